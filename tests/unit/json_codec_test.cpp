// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include <ordercast/json_codec.hpp>

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <variant>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): every test names its types.

template <class Message>
Message message(std::string_view text) {
  return std::get<Message>(std::get<ClientMessage>(decode(text)));
}

ErrorCode error(std::string_view text) {
  const Decoded decoded = decode(text);
  INFO(text);
  REQUIRE(std::holds_alternative<DecodeError>(decoded));
  return std::get<DecodeError>(decoded).code;
}

}  // namespace

TEST_CASE("the three messages of a client are read", "[codec]") {
  CHECK(message<Subscribe>(R"({"type":"subscribe","orderId":"abc-123"})").order_id == "abc-123");
  CHECK_FALSE(message<Subscribe>(R"({"type":"subscribe","orderId":"a"})").since);
  CHECK(message<Subscribe>(R"({"since":7,"orderId":"a","type":"subscribe"})").since == 7U);
  CHECK(message<Unsubscribe>(R"({"type":"unsubscribe","orderId":"abc-123"})").order_id ==
        "abc-123");
  message<Ping>(R"({"type":"ping"})");
}

TEST_CASE("since is an integer from 0 to 2^53 - 1", "[codec]") {
  const auto with_since = [](const std::string& since) {
    return R"({"type":"subscribe","orderId":"a","since":)" + since + "}";
  };
  CHECK(message<Subscribe>(with_since("0")).since == 0U);
  CHECK(message<Subscribe>(with_since("9007199254740991")).since == max_version);
  for (const auto* bad : {"-1", "9007199254740992", "18446744073709551616", "1.5", "1.0", "1e3",
                          "\"7\"", "null", "true", "[]", "{}", "[7]", "-9223372036854775809"}) {
    CHECK(error(with_since(bad)) == ErrorCode::bad_message);
  }
}

TEST_CASE("an order id is 1 to 128 bytes of UTF-8", "[codec]") {
  const auto with_id = [](const std::string& id) {
    return R"({"type":"subscribe","orderId":)" + id + "}";
  };
  CHECK(message<Subscribe>(with_id('"' + std::string(128, 'x') + '"')).order_id.size() == 128);
  CHECK(message<Subscribe>(with_id(R"("\u00e9\ud83d\ude00")")).order_id ==
        "\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(error(with_id('"' + std::string(129, 'x') + '"')) == ErrorCode::bad_message);
  for (const auto* bad :
       {"\"\"", "7", "null", "[\"a\"]", "{\"a\":1}", "\"\\ud800\"", "\"\xFF\"", "\"\xC0\xAF\""}) {
    CHECK(error(with_id(bad)) == ErrorCode::bad_message);
  }
  CHECK(error(R"({"type":"subscribe"})") == ErrorCode::bad_message);
  CHECK(error(R"({"type":"unsubscribe"})") == ErrorCode::bad_message);
}

TEST_CASE("text that is not a message is bad_message, an unknown type is unknown_type", "[codec]") {
  for (const auto* bad : {"",
                          " ",
                          "{",
                          "}",
                          "nul",
                          "null",
                          "[]",
                          "7",
                          "\"ping\"",
                          "{}",
                          "{\"type\":7}",
                          "{\"type\":null}",
                          "{\"type\":[\"ping\"]}",
                          "{\"type\":{\"type\":\"ping\"}}",
                          "{\"type\":\"ping\"}x",
                          "{\"type\":\"ping\",}",
                          "{'type':'ping'}",
                          "[{\"type\":\"ping\"}]",
                          "{\"Type\":\"ping\"}",
                          "{\"data\":{\"type\":\"ping\"}}",
                          "\x01",
                          "{\"type\":\"pi\nng\"}"}) {
    CHECK(error(bad) == ErrorCode::bad_message);
  }
  for (const auto* unknown : {"{\"type\":\"\"}", "{\"type\":\"PING\"}", "{\"type\":\"pong\"}",
                              "{\"type\":\"order:updated\",\"orderId\":\"a\",\"data\":{}}"}) {
    CHECK(error(unknown) == ErrorCode::unknown_type);
  }
}

TEST_CASE("nothing may stand before or behind a message, not even what a library would skip",
          "[codec]") {
  using namespace std::string_view_literals;
  CHECK(error("\xEF\xBB\xBF{\"type\":\"ping\"}") == ErrorCode::bad_message);
  CHECK(error("{\"type\":\"ping\"}\0"sv) == ErrorCode::bad_message);
  CHECK(error("{\"type\":\"ping\"}\0}{\"sv"sv) == ErrorCode::bad_message);
  CHECK(error("{\"type\":\"ping\"}{}") == ErrorCode::bad_message);
}

TEST_CASE("unknown fields are stepped over, whatever they hold", "[codec]") {
  const auto subscribe = message<Subscribe>(
      R"({"x":{"type":"ping","orderId":"no","since":-1},"type":"subscribe","y":[1,[2,{"type":3}]],)"
      R"("orderId":"yes","z":-1.5e-3,"since":3,"n":null})");
  CHECK(subscribe.order_id == "yes");
  CHECK(subscribe.since == 3U);
}

TEST_CASE("the last of two fields of the same name counts", "[codec]") {
  CHECK(message<Subscribe>(R"({"type":"ping","type":"subscribe","orderId":"a","orderId":"b"})")
            .order_id == "b");
  CHECK(error(R"({"type":"subscribe","orderId":"a","orderId":7})") == ErrorCode::bad_message);
  CHECK(error(R"({"type":"subscribe","orderId":"a","since":1,"since":"x"})") ==
        ErrorCode::bad_message);
  CHECK(message<Subscribe>(R"({"type":"subscribe","orderId":"a","since":"x","since":1})").since ==
        1U);
}

TEST_CASE("a refusal names the order where one was named", "[codec]") {
  const auto decoded = decode(R"({"type":"subscribe","orderId":"o-1","since":-1})");
  CHECK(std::get<DecodeError>(decoded).order_id == "o-1");
}

TEST_CASE("depth and size are bounded", "[codec]") {
  const auto nested = [](std::size_t depth) {
    return R"({"type":"ping","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  message<Ping>(nested(15));
  CHECK(error(nested(16)) == ErrorCode::bad_message);
  CHECK(error(nested(30'000)) == ErrorCode::bad_message);
  CHECK(error(std::string(64 * 1024 + 1, ' ')) == ErrorCode::bad_message);
}

TEST_CASE("no mutation of a message makes decoding throw", "[codec]") {
  const std::string good =
      R"({"type":"subscribe","orderId":"abc-\u00e9","since":7,"x":[{"y":null}]})";
  std::mt19937 random(7);
  for (int round = 0; round < 50'000; ++round) {
    std::string text = good;
    for (auto edits = random() % 4 + 1; edits > 0; --edits) {
      const auto at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.insert(at, 1, static_cast<char>(random()));
      }
      if (text.empty()) text = " ";
    }
    REQUIRE_NOTHROW(decode(text));
  }
}

TEST_CASE("each message of the server has the contract's text", "[codec]") {
  CHECK(encode(Pong{}) == R"({"type":"pong"})");
  CHECK(encode(OrderUpdated{"o-1", R"({"id":"o-1"})"}) ==
        R"({"type":"order:updated","orderId":"o-1","data":{"id":"o-1"}})");
  CHECK(encode(OrdersChanged{"o-1", "CONFIRMED"}) ==
        R"({"type":"orders:changed","orderId":"o-1","status":"CONFIRMED"})");
  CHECK(encode(ErrorMessage{ErrorCode::subscription_denied, "No", "o-1"}) ==
        R"({"type":"error","code":"subscription_denied","message":"No","orderId":"o-1"})");
  CHECK(encode(ErrorMessage{ErrorCode::rate_limited, "No", ""}) ==
        R"({"type":"error","code":"rate_limited","message":"No"})");
}

TEST_CASE("ids are escaped, and bad UTF-8 never reaches the wire", "[codec]") {
  CHECK(encode(OrdersChanged{"a\"b\\c\n\x01", "S"}) ==
        R"({"type":"orders:changed","orderId":"a\"b\\c\u000a\u0001","status":"S"})");
  const auto text = encode(OrderUpdated{"o\xFF", "{\"note\":\"caf\xE9\"}"});
  CHECK(ordercast::detail::is_utf8(text));
  CHECK(text.find("caf\xEF\xBF\xBD") != std::string::npos);
}

TEST_CASE("encoding an order takes one allocation", "[codec]") {
  const std::string order(560, ' ');
  const auto before = ordercast::test::allocations();
  const auto text = encode(OrderUpdated{"3f2b7e0e-0000-4000-8000-000000000001", order});
  CHECK(ordercast::test::allocations() - before == 1);
  CHECK(text.size() > 560);
}

TEST_CASE("valid UTF-8 is accepted, and bytes that only look like it are not", "[utf8]") {
  using ordercast::detail::is_utf8;
  for (const auto* good :
       {"", "plain ascii text", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(is_utf8(good));
  }
  for (const auto* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "seven b\xFFytes"}) {
    CHECK_FALSE(is_utf8(bad));
  }
  CHECK(ordercast::detail::utf8_repaired("a\xFFz") == "a\xEF\xBF\xBDz");
}

TEST_CASE("presence says whether a user is looking", "[codec]") {
  CHECK(message<Presence>(R"({"type":"presence","visible":true})").visible);
  CHECK_FALSE(message<Presence>(R"({"visible":false,"type":"presence"})").visible);
  for (const auto* bad : {R"({"type":"presence"})", R"({"type":"presence","visible":1})",
                          R"({"type":"presence","visible":"true"})",
                          R"({"type":"presence","visible":true,"visible":null})",
                          R"({"type":"presence","x":{"visible":true}})"}) {
    CHECK(error(bad) == ErrorCode::bad_message);
  }
}

TEST_CASE("a subscribe may name the epoch of its since", "[codec]") {
  CHECK(message<Subscribe>(R"({"type":"subscribe","orderId":"a","since":1,"epoch":"e1"})").epoch ==
        "e1");
  CHECK_FALSE(message<Subscribe>(R"({"type":"subscribe","orderId":"a"})").epoch);
  const auto with_epoch = [](const std::string& epoch) {
    return R"({"type":"subscribe","orderId":"a","epoch":)" + epoch + "}";
  };
  CHECK(message<Subscribe>(with_epoch('"' + std::string(64, 'e') + '"')).epoch->size() == 64);
  for (const auto& bad : {std::string("7"), std::string("null"), std::string("{}"),
                          '"' + std::string(65, 'e') + '"'}) {
    CHECK(error(with_epoch(bad)) == ErrorCode::bad_message);
  }
}

TEST_CASE("hello names the store and the node", "[codec]") {
  CHECK(encode(Hello{"e\"1", "node-a"}) == R"({"type":"hello","epoch":"e\"1","node":"node-a"})");
}

TEST_CASE("one message names up to a hundred orders, each read as if alone", "[codec]") {
  const auto batch = message<Batch<Subscribe>>(
      R"({"epoch":"e1","orders":[{"since":7,"orderId":"a"},{"orderId":"b","epoch":"e2","x":[{}]},)"
      R"({"orderId":"","since":1},{"orderId":"d","since":-1},5,[{"orderId":"e"}],{"x":{"orderId":)"
      R"("f"}}],"type":"subscribe","orderId":"ignored"})");
  REQUIRE(batch.entries.size() == 7);
  const auto& first = std::get<Subscribe>(batch.entries[0]);
  CHECK((first.order_id == "a" && first.since == 7U && first.epoch == "e1"));
  const auto& second = std::get<Subscribe>(batch.entries[1]);
  CHECK((second.order_id == "b" && !second.since && second.epoch == "e2"));
  for (std::size_t i = 2; i < 7; ++i) {
    CHECK(std::get<DecodeError>(batch.entries[i]).code == ErrorCode::bad_message);
  }
  CHECK(std::get<DecodeError>(batch.entries[3]).order_id == "d");

  const auto left =
      message<Batch<Unsubscribe>>(R"({"type":"unsubscribe","orders":[{"orderId":"a"},null]})");
  REQUIRE(left.entries.size() == 2);
  CHECK(std::get<Unsubscribe>(left.entries[0]).order_id == "a");
  CHECK(std::holds_alternative<DecodeError>(left.entries[1]));
}

TEST_CASE("a batch is a list of 1 to 100 entries", "[codec]") {
  const auto with = [](const std::string& orders) {
    return R"({"type":"subscribe","orderId":"a","orders":)" + orders + "}";
  };
  const auto entries = [](std::size_t count) {
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) list += R"({"orderId":"a"},)";
    list.back() = ']';
    return list;
  };
  CHECK(message<Batch<Subscribe>>(with(entries(1))).entries.size() == 1);
  CHECK(message<Batch<Subscribe>>(with(entries(100))).entries.size() == 100);
  for (const auto& bad : {entries(101), entries(300), std::string("[]"), std::string("null"),
                          std::string("{}"), std::string(R"({"orderId":"a"})"), std::string("7"),
                          std::string("[") + std::string(20, '[') + std::string(21, ']')}) {
    CHECK(error(with(bad)) == ErrorCode::bad_message);
  }
  CHECK(message<Batch<Subscribe>>(
            R"({"orders":[{"orderId":"a"}],"type":"subscribe","orders":[{"orderId":"b"}]})")
            .entries.size() == 1);
}
