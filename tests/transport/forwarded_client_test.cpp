// SPDX-License-Identifier: MIT
#include <ordercast/net/forwarded_client.hpp>

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using namespace ordercast::net;

namespace {

Client from(std::vector<HttpHeader> headers, const std::string& peer = "10.0.0.1") {
  std::string wrong;
  const auto trusted = AddressList::parse("10.0.0.0/8, fd00::/8", wrong);
  REQUIRE(trusted);
  return client_of({"GET", "/", std::move(headers), "", peer}, *trusted);
}

}  // namespace

TEST_CASE("a peer that is no trusted proxy is not believed about its client",
          "[forwarded_client]") {
  const auto client = from({{"Forwarded", "for=198.51.100.9;proto=https;host=a"},
                            {"X-Forwarded-For", "198.51.100.9"},
                            {"X-Forwarded-Proto", "https"},
                            {"X-Forwarded-Host", "a"}},
                           "192.0.2.1");
  CHECK(client.text() == "192.0.2.1");
  CHECK(client.scheme.empty());
  CHECK(client.host.empty());
}

TEST_CASE("the client is the last one that no trusted proxy has added for another",
          "[forwarded_client]") {
  CHECK(from({}).text() == "10.0.0.1");
  CHECK(from({{"X-Forwarded-For", "203.0.113.10:40000"}}).text() == "203.0.113.10");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5, 198.51.100.9"}}).text() == "198.51.100.9");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5"},
              {"X-Forwarded-For", "198.51.100.9, 10.0.0.2:80, [fd00::1]:443"}})
            .text() == "198.51.100.9");
  CHECK(from({{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}).text() == "10.0.0.3");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5"}}, "::ffff:10.0.0.1").text() == "203.0.113.5");
}

TEST_CASE("Forwarded is read in all its forms and goes before X-Forwarded-For",
          "[forwarded_client]") {
  const auto forwarded = [](const std::string& value) {
    return from({{"Forwarded", value}, {"X-Forwarded-For", "198.51.100.200"}});
  };
  CHECK(forwarded("for=192.0.2.60;proto=http;by=203.0.113.43").text() == "192.0.2.60");
  CHECK(forwarded("For=\"[2001:db8:cafe::17]:4711\"").text() == "2001:db8:cafe::17");
  CHECK(forwarded("proto=https ; FOR = 192.0.2.43 , for=10.0.0.2").text() == "192.0.2.43");
  CHECK(forwarded("for=192.0.2.43, for=\"[fd00::2]\"").text() == "192.0.2.43");
  CHECK(forwarded("for=\"192.0.2.1\\:80\"").text() == "192.0.2.1");
  CHECK(forwarded("for=192.0.2.1;;,").text() == "192.0.2.1");
  CHECK(forwarded("by=10.0.0.9;host=\"a, b;c=d\", for=192.0.2.9").text() == "192.0.2.9");
}

TEST_CASE("a client behind a proxy that can't be read is unknown, and never the proxy itself",
          "[forwarded_client]") {
  using Headers = std::vector<HttpHeader>;
  for (const auto& headers : {
           Headers{{"X-Forwarded-For", "rubbish"}},
           Headers{{"X-Forwarded-For", ""}},
           Headers{{"X-Forwarded-For", ","}},
           Headers{{"X-Forwarded-For", "203.0.113.5, "}},
           Headers{{"X-Forwarded-For", "203.0.113.5"}, {"X-Forwarded-For", ""}},
           Headers{{"X-Forwarded-For", "203.0.113.5, unknown, 10.0.0.2"}},
           Headers{{"X-Forwarded-For", "0203.0.113.5"}},
           Headers{{"X-Forwarded-For", "203.0.113.5 203.0.113.6"}},
           Headers{{"X-Forwarded-Proto", "https"}},
           Headers{{"X-Forwarded-Host", "shop.example"}},
           Headers{{"Forwarded", ""}},
           Headers{{"Forwarded", " , ;"}},
           Headers{{"Forwarded", "proto=https"}},
           Headers{{"Forwarded", "for="}},
           Headers{{"Forwarded", "for=_hidden"}},
           Headers{{"Forwarded", "for=_hidden"}, {"X-Forwarded-For", "203.0.113.5"}},
           Headers{{"Forwarded", "for=unknown, for=10.0.0.2"}},
           Headers{{"Forwarded", "for=;;="}, {"X-Forwarded-For", "203.0.113.7"}},
           Headers{{"Forwarded", "for=\"1.2.3.4, for=203.0.113.8\""}},
           Headers{{"Forwarded", "for=203.0.113.1;for=192.0.2.1"}},
           Headers{{"Forwarded", "for=192.0.2.1, for=203.0.113.1;for=10.0.0.1"}},
           Headers{{"Forwarded", "=, for=\""}},
           Headers{{"Forwarded", "for=192.0.2.1\""}},
           Headers{{"Forwarded", "for=\"192.0.2.1\"x"}},
           Headers{{"Forwarded", "for=\"192.0.2.1\\"}},
           Headers{{"Forwarded", "for=\"x, for=10.0.0.2"}},
       }) {
    for (const auto& header : headers) UNSCOPED_INFO(header.name << ": " << header.value);
    const auto client = from(headers);
    CHECK_FALSE(client.address);
    CHECK(client.limit_key().empty());
  }
}

TEST_CASE("whatever a client writes, what its proxy appends is read", "[forwarded_client]") {
  const std::string client = "198.51.100.9";
  for (const std::string before :
       {"for=1.1.1.1", "for=\"x", "for=\"x\\", "for=\"x\\\"", ";;=", "for=\xff",
        "for=1.2.3.4;for=", "for=1.2.3.4;host=\"", "for", "=", "for=\"192.0.2.1\"x",
        "for=\"1.2.3.4\", for=\"", ",", ";"}) {
    CAPTURE(before);
    for (const std::string appended :
         {"for=198.51.100.9", "for=\"198.51.100.9:80\"",
          "proto=https;for=198.51.100.9;host=\"a:1\"", "for=198.51.100.9, for=10.0.0.2",
          "for=198.51.100.9, for=\"[fd00::1]:443\";by=_x"}) {
      CAPTURE(appended);
      CHECK(from({{"Forwarded", before + ", " + appended}}).text() == client);
      CHECK(from({{"Forwarded", before}, {"Forwarded", appended}}).text() == client);
      CHECK(from({{"Forwarded", before + "," + appended}, {"X-Forwarded-For", "1.1.1.1"}}).text() ==
            client);
    }
  }
  for (const std::string before : {"\"x", "1.1.1.1", "junk", "", ",", "\"1.1.1.1, ", "1.1.1.1\\"}) {
    CAPTURE(before);
    CHECK(from({{"X-Forwarded-For", before + ", " + client}}).text() == client);
    CHECK(from({{"X-Forwarded-For", before}, {"X-Forwarded-For", client}}).text() == client);
  }
}

TEST_CASE("no text before a proxy's element makes another client of it", "[forwarded_client]") {
  // Draws from what the grammar is made of, so that most texts come near to it.
  const std::vector<std::string> parts{"for", "=",    ";",       ",",        "\"",
                                       "\\",  " ",    "1.1.1.1", "10.0.0.2", "[2001:db8::1]",
                                       "_h",  "host", "x"};
  const std::vector<std::pair<std::string, std::string>> appended{
      {"for=198.51.100.9", "198.51.100.9"},
      {"for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"},
      {"for=198.51.100.9;host=\"\";proto=https", "198.51.100.9"},
      {"for=198.51.100.9;host=\"a:1\", for=10.0.0.3", "198.51.100.9"},
      {"for=_hidden", ""},
      {"for=\"_hidden\";host=\"a\"", ""}};
  std::mt19937 random(7239);
  for (int i = 0; i < 20'000; ++i) {
    std::string before;
    for (auto n = random() % 12; n > 0; --n) before += parts[random() % parts.size()];
    for (const auto& [element, client] : appended) {
      const auto read = from({{"Forwarded", before + ", " + element}}).text();
      if (read == client || read.empty()) continue;
      CAPTURE(before, element, read);
      FAIL("the client has chosen its address");
    }
    const auto read = from({{"X-Forwarded-For", before + ", 198.51.100.9"}}).text();
    if (read != "198.51.100.9") FAIL("X-Forwarded-For: " << before << " reads as " << read);
  }
}

TEST_CASE("scheme and host are those that the outermost trusted proxy saw", "[forwarded_client]") {
  auto client = from({{"Forwarded",
                       "for=192.0.2.1;proto=HTTPS;host=\"shop.example:8443\", "
                       "for=10.0.0.2;proto=http;host=inner"}});
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example:8443");

  client = from({{"X-Forwarded-For", "203.0.113.7, 192.0.2.1"},
                 {"X-Forwarded-Proto", "http, https"},
                 {"X-Forwarded-Host", "evil.example, shop.example"}});
  CHECK(client.text() == "192.0.2.1");
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example");

  client = from({{"X-Forwarded-For", "192.0.2.1, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}});
  CHECK(client.scheme == "https");

  client = from({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example"}});
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example");

  CHECK(from({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "gopher"}}).scheme.empty());
}
