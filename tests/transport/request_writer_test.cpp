// SPDX-License-Identifier: MIT
#include <ordercast/net/request_parser.hpp>
#include <ordercast/net/request_writer.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;
using net::write_request;

namespace {

HttpRequest request(std::string method, std::string target, std::vector<HttpHeader> headers,
                    std::string body = {}) {
  HttpRequest made;
  made.method = std::move(method);
  made.target = std::move(target);
  made.headers = std::move(headers);
  made.body = std::move(body);
  return made;
}

}  // namespace

TEST_CASE("a request that was read once is read again to the same", "[request_writer]") {
  for (const std::string body : {"", "with a body"}) {
    const auto written = write_request(request("POST", "/orders?page=2",
                                               {{"Host", "shop.example"},
                                                {"X-Trace", "1"},
                                                {"X-Trace", "2"},
                                                {"Content-Length", "99"},
                                                {"Transfer-Encoding", "chunked"}},
                                               body));
    net::RequestParser parser({4096, 4096});
    CHECK(parser.consume(written) == written.size());
    REQUIRE(parser.complete());
    CHECK(parser.request().method == "POST");
    CHECK(parser.request().target == "/orders?page=2");
    CHECK(parser.request().body == body);
    CHECK(parser.request().header("Host") == "shop.example");
    CHECK(parser.request().header("Transfer-Encoding").empty());
  }
}

TEST_CASE("a request that would read as another is not written", "[request_writer]") {
  for (const auto& bad :
       {request("", "/", {}), request("GET", "", {}), request("GET X", "/", {}),
        request("GET", "/ HTTP/1.1\r\nX:", {}), request("GET", "/", {{"", "x"}}),
        request("GET", "/", {{"A:", "x"}}), request("GET", "/", {{"A", "x\r\nB: y"}}),
        request("GET", "/", {{"A", std::string("x\0", 2)}})}) {
    CHECK_THROWS_AS(write_request(bad), std::invalid_argument);
  }
}
