// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Many frames in one write, so that they arrive faster than any limit refills.
std::string burst(const std::string& text, int times) {
  std::string bytes;
  for (int i = 0; i < times; ++i) bytes += ws_frame_bytes(Opcode::text, true, true, text);
  return bytes;
}

const std::string ping = R"({"type":"ping"})";

}  // namespace

TEST_CASE("a user who may see an order may subscribe to it, and no other user", "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  const auto answer = [&](const std::string& token) {
    Watcher watcher(server, token);
    watcher.subscribe(id, 0);
    return text_of(watcher.next(), "type");
  };
  CHECK(answer(demo().admin.token) == "order:updated");
  CHECK(answer(demo().manager.token) == "order:updated");
  CHECK(answer(demo().customer.token) == "order:updated");
  for (const auto* role : {"ORG_ADMIN", "STORE_MANAGER", "STAFF", "RIDER"}) {
    CAPTURE(role);
    CHECK(answer(token_for("one-of-org-1", role, "org-1")) == "order:updated");
    CHECK(answer(token_for("one-of-org-2", role, "org-2")) == "error");
  }
  CHECK(answer(demo().customer2.token) == "error");
  // A CUSTOMER's token may name an organisation; it does not count.
  CHECK(answer(token_for("someone", "CUSTOMER", "org-1")) == "error");
}

TEST_CASE("a subscription that was denied hears nothing", "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  Watcher stranger(server, demo().customer2);
  stranger.subscribe(id, 0);
  CHECK(error_of("subscription_denied")(stranger.next()));
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  const auto later = id_of(server.new_order(demo().customer2, "org-1"));
  CHECK(hint_of(later)(stranger.next()));
}

TEST_CASE("a denied subscription does not tell whether the order exists", "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer, "org-1"));
  for (const auto* account : {&demo().customer2, &demo().manager2}) {
    Watcher watcher(server, *account);
    const auto ask = [&](const std::string& order_id) {
      watcher.subscribe(order_id);
      auto answer = watcher.next();
      CHECK(text_of(answer, "orderId") == order_id);
      answer.erase("orderId");
      return answer;
    };
    const auto foreign = ask(id);
    CHECK(foreign == ask("no-such-order"));
    CHECK(error_of("subscription_denied")(foreign));
    CHECK(keys_of(foreign) == std::set<std::string>{"type", "code", "message"});
  }
  // Not even SUPER_ADMIN can watch what does not exist.
  Watcher admin(server, demo().admin);
  admin.subscribe("no-such-order");
  CHECK(error_of("subscription_denied")(admin.next()));
}

TEST_CASE("ping is answered with pong and nothing but pong", "[subscription]") {
  OrderServer server;
  Watcher watcher(server, demo().customer);
  watcher.send({{"type", "ping"}});
  CHECK(watcher.next() == Json{{"type", "pong"}});
}

TEST_CASE("subscribe without since gets no snapshot", "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  Watcher owner(server, demo().customer);
  owner.subscribe(id);
  owner.read_until_pong();
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  // A late snapshot would be the first update.
  const auto heard = owner.read_until(update_of(id));
  CHECK(update_of(id, 2)(heard.back()));
}

TEST_CASE("since is answered with the current order when that is newer, else with nothing",
          "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  const auto current = server.as(demo().manager).set_status(id, "PREPARING").data();
  REQUIRE(integer_of(current, "version") == 3);
  server.settle();

  for (const long long older : {0, 1, 2}) {
    CAPTURE(older);
    Watcher owner(server, demo().customer);
    owner.subscribe(id, older);
    CHECK(owner.next() == Json{{"type", "order:updated"}, {"orderId", id}, {"data", current}});
  }

  Watcher equal(server, demo().customer);
  equal.subscribe(id, 3);
  Watcher ahead(server, demo().customer);
  ahead.subscribe(id, 4);
  Watcher far_ahead(server, demo().customer);
  far_ahead.subscribe(id, 9'007'199'254'740'991);
  for (auto* watcher : {&equal, &ahead, &far_ahead}) CHECK(watcher->read_until_pong().size() == 1);
  // A late snapshot would come before these changes.
  REQUIRE(server.as(demo().manager).set_status(id, "READY").status == 200);
  REQUIRE(server.as(demo().manager).set_status(id, "OUT_FOR_DELIVERY").status == 200);
  CHECK(count(equal.read_until(update_of(id, 5)), update_of(id, 3)) == 0);
  CHECK(count(ahead.read_until(update_of(id, 5)), update_of(id, 3)) == 0);
  CHECK(count(far_ahead.read_until(hint_of(id, "OUT_FOR_DELIVERY")), update_of(id, 3)) == 0);
}

TEST_CASE("since on an unknown order is denied like any other", "[subscription]") {
  OrderServer server;
  Watcher owner(server, demo().customer);
  owner.subscribe("no-such-order", 5);
  const auto answer = owner.next();
  CHECK(error_of("subscription_denied")(answer));
  CHECK(text_of(answer, "orderId") == "no-such-order");
}

TEST_CASE("a since that is no integer from 0 to 2^53 - 1 is a bad message", "[subscription]") {
  OrderServer server;
  const auto id = id_of(server.new_order(demo().customer));
  Watcher owner(server, demo().customer);
  for (const auto* since : {"-1", "1.5", "9007199254740992", "18446744073709551616", "1e300",
                            "\"7\"", "null", "true", "[]", "{}"}) {
    CAPTURE(since);
    REQUIRE(owner.ws().send_text(R"({"type":"subscribe","orderId":")" + id + R"(","since":)" +
                                 since + "}"));
    CHECK(error_of("bad_message")(owner.next()));
  }
  // None of them subscribed.
  REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
  CHECK(hint_of(id)(owner.next()));
}

TEST_CASE("what is not a message of the protocol gets an error and the connection lives",
          "[subscription]") {
  OrderServer server;
  Watcher watcher(server, demo().customer);
  const auto code = [&](const std::string& text) {
    CAPTURE(text);
    REQUIRE(watcher.ws().send_text(text));
    const auto answer = watcher.next();
    INFO(answer.dump());
    CHECK(text_of(answer, "type") == "error");
    CHECK_FALSE(text_of(answer, "message").empty());
    return text_of(answer, "code");
  };
  for (const auto* bad : {"",
                          " ",
                          "hello",
                          "{",
                          R"({"type":"ping")",
                          R"({"type":"ping"}{"type":"ping"})",
                          "null",
                          "7",
                          "\"ping\"",
                          "[]",
                          R"([{"type":"ping"}])",
                          "{}",
                          R"({"type":7})",
                          R"({"type":null})",
                          R"({"type":"subscribe"})",
                          R"({"type":"subscribe","orderId":7})",
                          R"({"type":"subscribe","orderId":null})",
                          R"({"type":"subscribe","orderId":["a"]})",
                          R"({"type":"subscribe","orderId":""})",
                          R"({"type":"unsubscribe"})",
                          R"({"type":"unsubscribe","orderId":""})"}) {
    CHECK(code(bad) == "bad_message");
  }
  CHECK(code(R"({"type":"subscribe","orderId":")" + std::string(129, 'a') + R"("})") ==
        "bad_message");
  CHECK(code(std::string(2000, '[')) == "bad_message");
  for (const auto* unknown : {R"({"type":"publish"})", R"({"type":"PING"})", R"({"type":""})",
                              R"({"type":"order:updated","orderId":"x","data":{}})"}) {
    CHECK(code(unknown) == "unknown_type");
  }
  CHECK(watcher.read_until_pong().size() == 1);
}

TEST_CASE("unknown members of a message are ignored and the longest order id is taken",
          "[subscription]") {
  OrderServer server;
  Watcher watcher(server, demo().customer);
  REQUIRE(watcher.ws().send_text(R"({"type":"ping","sentAt":[1,{"a":null}],"since":"x"})"));
  CHECK(watcher.next() == Json{{"type", "pong"}});
  watcher.subscribe(std::string(128, 'a'));
  CHECK(error_of("subscription_denied")(watcher.next()));
}

TEST_CASE("the 101st subscription is refused, the first hundred live on", "[subscription]") {
  OrderServer server;
  std::vector<std::string> ids;
  ids.reserve(101);
  for (int i = 0; i < 101; ++i) ids.push_back(id_of(server.new_order(demo().customer)));
  Watcher owner(server, demo().customer);
  for (int i = 0; i < 100; ++i) owner.subscribe(ids[static_cast<std::size_t>(i)]);
  CHECK(owner.read_until_pong().size() == 1);
  owner.subscribe(ids.back());
  const auto refused = owner.next();
  CHECK(error_of("too_many_subscriptions")(refused));
  CHECK(text_of(refused, "orderId") == ids.back());

  // Subscribing again to a held order is not a new subscription.
  owner.follow(ids.front());
  REQUIRE(server.as(demo().manager).set_status(ids.front(), "CONFIRMED").status == 200);
  CHECK(update_of(ids.front(), 2)(owner.next()));
  CHECK(hint_of(ids.front())(owner.next()));

  owner.unsubscribe(ids.front());
  owner.subscribe(ids.back(), 0);
  CHECK(update_of(ids.back(), 1)(owner.next()));
}

TEST_CASE("denied subscriptions take no place", "[subscription]") {
  OrderServer server;
  Watcher owner(server, demo().customer);
  for (int i = 0; i < 150; ++i) {
    owner.subscribe("absent-" + std::to_string(i));
    // Denials count as refused messages, so send few enough to avoid the abuse limit, one after the
    // other.
    const auto answer = owner.next();
    if (!error_of("subscription_denied")(answer)) {
      FAIL("subscription " << i << ": " << answer.dump());
    }
    if (i == 80) break;
  }
  const auto id = id_of(server.new_order(demo().customer));
  CHECK(hint_of(id)(owner.next()));
  owner.subscribe(id, 0);
  CHECK(update_of(id, 1)(owner.next()));
}

TEST_CASE("one message subscribes to many orders and leaves them, each as if alone",
          "[subscription]") {
  OrderServer server;
  const auto behind = id_of(server.new_order(demo().customer));
  const auto current = id_of(server.new_order(demo().customer));
  const auto silent = id_of(server.new_order(demo().customer));
  const auto foreign = id_of(server.new_order(demo().customer2));
  REQUIRE(server.as(demo().manager).set_status(behind, "CONFIRMED").status == 200);
  server.settle();

  Watcher owner(server, demo().customer);
  const auto entry = [](const std::string& id) { return Json{{"orderId", id}}; };
  const auto since = [](const std::string& id, int version) {
    return Json{{"orderId", id}, {"since", version}};
  };
  owner.send({{"type", "subscribe"},
              {"orders",
               {since(behind, 1), since(current, 1), entry(silent), entry(foreign), Json(7),
                since("absent", 0)}}});
  // Answers come as the orders are read, and nothing comes for the two that are up to date.
  std::vector<Json> answers(4);
  for (Json& answer : answers) answer = owner.next();
  CHECK(count(answers, update_of(behind, 2)) == 1);
  CHECK(count(answers, error_of("subscription_denied")) == 2);
  CHECK(count(answers, error_of("bad_message")) == 1);
  CHECK(owner.read_until_pong().size() == 1);

  for (const auto& id : {behind, current, silent}) {
    REQUIRE(server.as(demo().manager).set_status(id, "CANCELLED").status == 200);
    CHECK(update_of(id)(owner.next()));
    CHECK(hint_of(id)(owner.next()));
  }
}

TEST_CASE("after leaving many orders in one message only their hints come", "[subscription]") {
  OrderServer server;
  const auto first = id_of(server.new_order(demo().customer));
  const auto second = id_of(server.new_order(demo().customer));
  Watcher owner(server, demo().customer);
  const Json orders{{{"orderId", first}}, {{"orderId", second}}};
  owner.send({{"type", "subscribe"}, {"orders", orders}});
  owner.follow(first);
  owner.send({{"type", "unsubscribe"}, {"orders", orders}});
  CHECK(owner.read_until_pong().size() == 1);
  for (const auto& id : {first, second}) {
    REQUIRE(server.as(demo().manager).set_status(id, "CONFIRMED").status == 200);
    CHECK(hint_of(id)(owner.next()));
  }
}

TEST_CASE("a message that names no order, or more than a hundred, is a bad message",
          "[subscription]") {
  OrderServer server;
  Watcher owner(server, demo().customer);
  Json many = Json::array();
  for (int i = 0; i < 101; ++i) many.push_back({{"orderId", "o" + std::to_string(i)}});
  for (const Json& orders : {Json::array(), Json(), Json::object(), many}) {
    owner.send({{"type", "subscribe"}, {"orders", orders}});
    CHECK(error_of("bad_message")(owner.next()));
  }
  CHECK(owner.read_until_pong().size() == 1);
}

TEST_CASE("a burst of 200 messages is fine, more is rate_limited, and the connection lives",
          "[subscription]") {
  OrderServer server;
  Watcher watcher(server, demo().customer);
  constexpr int sent = 290;
  REQUIRE(watcher.ws().socket().send_bytes(burst(ping, sent)));
  int pongs = 0;
  int limited = 0;
  for (int i = 0; i < sent; ++i) {
    const auto message = watcher.next();
    if (text_of(message, "type") == "pong") {
      ++pongs;
    } else {
      CHECK(error_of("rate_limited")(message));
      ++limited;
    }
  }
  CHECK(pongs >= 200);
  CHECK(limited >= 1);
  CHECK(pongs + limited == sent);
  // The connection is limited, not closed: hints still arrive, and later answers do, too.
  const auto id = id_of(server.new_order(demo().customer));
  CHECK(hint_of(id)(watcher.next()));
}

TEST_CASE("abuse that goes on is closed with 1008", "[subscription]") {
  OrderServer server;
  Watcher watcher(server, demo().customer);
  SECTION("a flood of pings") {
    watcher.ws().socket().send_bytes(burst(ping, 600));
  }
  SECTION("a flood of rubbish") {
    watcher.ws().socket().send_bytes(burst("rubbish", 600));
  }
  const auto closed = watcher.ws().expect_close(patience);
  REQUIRE(closed.has_value());
  CHECK(closed->code == 1008);
}
