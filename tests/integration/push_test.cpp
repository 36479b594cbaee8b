// SPDX-License-Identifier: MIT
#include "services_stub.hpp"
#include "sqlite_lock.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

constexpr const char* phone = "a-device-token-of-the-customer-1";
constexpr const char* tablet = "a-device-token-of-the-customer-2";

/// A server that pushes to a stub, and one order of a customer with a phone.
struct Shop {
  explicit Shop(std::vector<std::string> more = {})
      : server(stub.options(std::move(more)), Database::demo_copy, stub.environment()),
        id(text_of(server.new_order(demo().customer), "id")) {
    register_device(server, demo().customer, phone);
  }

  void move_to(const std::string& status) const { move_to(status, id); }
  void move_to(const std::string& status, const std::string& order) const {
    const auto reply = server.as(demo().admin).set_status(order, status);
    INFO(reply.body);
    REQUIRE(reply.status == 200);
  }

  ServicesStub stub;
  OrderServer server;
  std::string id;
};

double milliseconds_of(const std::function<void()>& work) {
  const auto before = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before)
      .count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

TEST_CASE("an app in the background gets the push, one in the foreground the message",
          "[push][away]") {
  Shop shop({"--push", "when-away"});
  {
    Watcher foreground(shop.server, demo().customer);
    foreground.follow(shop.id);
    foreground.send({{"type", "presence"}, {"visible", true}});
    static_cast<void>(foreground.read_until_pong());  // the server has read it
    shop.move_to("CONFIRMED");
    foreground.read_until(update_of(shop.id, 2));
    CHECK(eventually([&] {
      // Reading answers the server's pings.
      static_cast<void>(foreground.ws().next_text(std::chrono::milliseconds(20)));
      return shop.server.metric("ordercast_push_depth") == 0.0;
    }));
    CHECK(shop.stub.pushes().empty());
  }
  REQUIRE(shop.server.metric_becomes("ordercast_connections", 0));
  shop.move_to("PREPARING");  // the app is in the background now
  REQUIRE(shop.stub.hears(1));
  const auto push = shop.stub.pushes().front();
  CHECK(push.token == phone);
  CHECK(push.order_id == shop.id);
  CHECK(push.status == "PREPARING");
  CHECK(push.version == 3);
  CHECK(push.title == "Preparing Your Order");
  CHECK(push.body == "Your order #" + shop.id.substr(0, 8) + " has been updated to preparing.");
  CHECK(push.http == "2.0");
  CHECK(shop.stub.heard().at("refused").empty());
}

TEST_CASE("a connection that nobody looks at withholds no push, though it answers pings",
          "[push][away]") {
  Shop shop({"--push", "when-away"});
  Watcher background(shop.server, demo().customer);
  background.follow(shop.id);
  SECTION("as it has never said that a user looks") {}
  SECTION("as it said last that no user does") {
    background.send({{"type", "presence"}, {"visible", true}});
    background.send({{"type", "presence"}, {"visible", false}});
    static_cast<void>(background.read_until_pong());
  }
  shop.move_to("CONFIRMED");
  background.read_until(update_of(shop.id, 2));
  CHECK(eventually([&] {
    static_cast<void>(background.ws().next_text(std::chrono::milliseconds(20)));
    return shop.server.metric("ordercast_push_depth") == 0.0;
  }));
  CHECK(shop.stub.pushes().size() == 1);
}

TEST_CASE("by default every device gets every change of status, once", "[push]") {
  Shop shop;
  register_device(shop.server, demo().customer, tablet);
  Watcher foreground(shop.server, demo().customer);
  for (const char* status : {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"}) {
    shop.move_to(status);
    CHECK(shop.server.metric_becomes("ordercast_push_depth", 0));
  }
  const auto pushes = shop.stub.pushes();
  CHECK(pushes.size() == 10);
  CHECK(std::set<HeardPush>(pushes.begin(), pushes.end()).size() == 10);
  CHECK(shop.stub.heard().at("tokens") == 1);  // one access token was enough
}

TEST_CASE("a new order and a payment are no news for the one who made them", "[push]") {
  Shop shop;
  const auto order = shop.server.new_order(demo().customer, "org-1", "ONLINE");
  const auto razorpay_order = text_of(order, "razorpayOrderId");
  REQUIRE(shop.server.as(demo().customer)
              .verify_payment(text_of(order, "id"), razorpay_order, "pay_1", std::string(64, 'a'))
              .status == 400);  // FAILED: a change without a new status
  shop.move_to("CONFIRMED");
  REQUIRE(shop.stub.hears(1));
  CHECK(shop.server.metric_becomes("ordercast_push_depth", 0));
  CHECK(shop.stub.pushes().size() == 1);
}

TEST_CASE("tokens that FCM calls unregistered or invalid are removed", "[push]") {
  const std::string kind = GENERATE("unregistered", "invalid", "mismatch");
  CAPTURE(kind);
  Shop shop;
  shop.stub.behave({{"devices", {{tablet, {{"kind", kind}}}}}});
  register_device(shop.server, demo().customer, tablet);
  shop.move_to("CONFIRMED");
  REQUIRE(shop.server.metric_becomes("ordercast_push_depth", 0));
  shop.stub.behave({{"devices", {{tablet, {{"kind", "ok"}}}}}});
  shop.move_to("PREPARING");
  REQUIRE(shop.server.metric_becomes("ordercast_push_depth", 0));
  const auto pushes = shop.stub.pushes();
  REQUIRE(pushes.size() == 2);
  CHECK(pushes[0].token == phone);
  CHECK(pushes[1].token == phone);
}

TEST_CASE("an access token that FCM refuses is renewed once", "[push]") {
  Shop shop;
  shop.stub.behave({{"send", {{"kind", "unauthenticated"}, {"times", 1}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(shop.stub.hears(1));
  CHECK(shop.stub.heard().at("tokens") == 2);
}

TEST_CASE("an iOS device whose APNs key is wrong costs no other device its pushes", "[push]") {
  Shop shop;
  register_device(shop.server, demo().customer, tablet);
  shop.stub.behave({{"devices", {{tablet, {{"kind", "thirdParty"}}}}}});
  for (const char* status : {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY", "DELIVERED"}) {
    shop.move_to(status);
    REQUIRE(eventually([&] { return shop.server.metric("ordercast_push_depth") <= 1.0; }));
  }
  REQUIRE(shop.stub.hears(5));
  for (const auto& push : shop.stub.pushes()) CHECK(push.token == phone);
  CHECK(shop.stub.heard().at("tokens") == 1);  // the access token is good
  CHECK(shop.server.log().find("pausing") == std::string::npos);
}

TEST_CASE("a service that shows another certificate is told nothing", "[push]") {
  const TempDir folder;
  const CertificateFiles other(folder.path());
  other.write(make_certificate("127.0.0.1"));
  Shop shop({"--ca-file", other.certificate.string()});
  shop.move_to("CONFIRMED");
  REQUIRE(eventually([&] { return shop.server.metric("ordercast_push_retries_total") > 0.0; }));
  CHECK(shop.server.metric_becomes("ordercast_push_depth", 1));
  const auto heard = shop.stub.heard();
  CHECK(heard.at("pushes").empty());
  CHECK(heard.at("tokens") == 0);
  CHECK(shop.server.log().find("certificate") != std::string::npos);
}

TEST_CASE("what FCM can't take for a moment is sent again", "[push]") {
  const std::string kind = GENERATE("unavailable", "internal", "reset", "slow");
  CAPTURE(kind);
  Shop shop;
  shop.stub.behave({{"send", {{"kind", kind}, {"times", 2}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(shop.stub.hears(1));
  CHECK(shop.server.metric_becomes("ordercast_push_depth", 0));
  CHECK(shop.stub.pushes().size() == 1);
}

TEST_CASE("a device that FCM throttles waits for as long as it says, and the others don't",
          "[push]") {
  Shop shop;
  register_device(shop.server, demo().customer, tablet);
  shop.stub.behave({{"devices", {{phone, {{"kind", "quota"}, {"retryAfter", 3}, {"times", 1}}}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(shop.stub.hears(2));
  CHECK(shop.stub.pushes().front().token == tablet);
}

TEST_CASE("a poisoned message is given up, listed, and tried again by an operator", "[push]") {
  Shop shop;
  shop.stub.behave({{"devices", {{phone, {{"kind", "poisoned"}}}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(shop.server.metric_becomes("ordercast_push_dead", 1));

  const auto outbox = [&](std::vector<std::string> words) {
    auto command = order_server_command(shop.server.database(), "/dev/null");
    command.argv = {command.argv.front(), "outbox"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.argv.insert(command.argv.end(), {"--db", shop.server.database().string()});
    ChildProcess process(command);
    auto text = process.read_to_end(patience);
    return std::pair(process.wait(patience).value().code, text);
  };
  const auto [code, listed] = outbox({"list"});
  INFO(listed);
  CHECK(code == 0);
  CHECK(listed.find(shop.id) != std::string::npos);
  CHECK(listed.find("FCM answered 400 INVALID_ARGUMENT") != std::string::npos);
  CHECK(listed.find(phone) == std::string::npos);
  const auto at = listed.find("push:");
  REQUIRE(at != std::string::npos);
  const auto letter = listed.substr(at, listed.find(' ', at) - at);

  shop.stub.behave({{"devices", {{phone, {{"kind", "ok"}}}}}});
  CHECK(outbox({"retry", "push:4711"}).first == 1);
  CHECK(outbox({"retry"}).first == 2);
  CHECK(outbox({"retry", letter}).first == 0);
  REQUIRE(shop.stub.hears(1));
  CHECK(shop.server.metric_becomes("ordercast_push_dead", 0));
}

TEST_CASE("a push that is taken while the database is locked is written down later, not repeated",
          "[push][sqlite]") {
  Shop shop;
  shop.stub.behave({{"send", {{"kind", "slow"}, {"times", 1}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(shop.server.metric_becomes("ordercast_outbox_depth", 0));
  {
    const SqliteLock lock(shop.server.database());
    REQUIRE(shop.stub.hears(1));
    // The attempt to record it has waited for the lock and failed.
    REQUIRE(eventually(
        [&] { return shop.server.metric("ordercast_push_database_failures_total") > 0.0; }));
  }
  CHECK(shop.server.metric_becomes("ordercast_push_depth", 0));
  CHECK(shop.stub.pushes().size() == 1);
}

TEST_CASE("a restart in mid-push does not send it again", "[push]") {
  Shop shop;
  shop.stub.behave({{"send", {{"kind", "slow"}, {"times", 1}}}});
  shop.move_to("CONFIRMED");
  REQUIRE(eventually([&] { return shop.stub.heard().at("tokens") == 1; }));  // it is in flight
  REQUIRE(shop.server.drain().code == 0);
  shop.server.start();
  CHECK(shop.server.metric_becomes("ordercast_push_depth", 0));
  CHECK(shop.stub.pushes().size() == 1);
}

TEST_CASE("with FCM down nothing else is slower, and afterwards the newest state goes out",
          "[push]") {
  Shop shop;
  constexpr int orders = 12;
  std::vector<std::string> ids{shop.id};
  while (ids.size() < orders) {
    ids.push_back(text_of(shop.server.new_order(demo().customer), "id"));
  }
  Watcher owner(shop.server, demo().customer);
  for (const auto& id : ids) owner.follow(id);

  struct Latency {
    std::vector<double> rest;
    std::vector<double> broadcast;
  };
  const auto all_to = [&](const std::string& status, long long version) {
    Latency latency;
    for (const auto& id : ids) {
      latency.broadcast.push_back(milliseconds_of([&] {
        latency.rest.push_back(milliseconds_of([&] { shop.move_to(status, id); }));
        owner.read_until(update_of(id, version));
      }));
    }
    return latency;
  };
  const auto before = all_to("CONFIRMED", 2);
  REQUIRE(shop.stub.hears(orders));
  shop.stub.behave({{"send", {{"kind", "hang"}}}, {"token", {{"kind", "unavailable"}}}});
  shop.stub.forget();
  const auto during = all_to("PREPARING", 3);
  static_cast<void>(all_to("READY", 4));
  std::printf("median ms, FCM up -> hanging: REST %.2f -> %.2f, broadcast %.2f -> %.2f\n",
              median(before.rest), median(during.rest), median(before.broadcast),
              median(during.broadcast));
  CHECK(shop.stub.pushes().empty());
  // One entry for each order and device.
  CHECK(shop.server.metric_becomes("ordercast_push_depth", orders));

  shop.stub.behave({{"send", {{"kind", "ok"}}}, {"token", {{"kind", "ok"}}}});
  REQUIRE(eventually([&] { return shop.server.metric("ordercast_push_depth") == 0.0; }));
  for (const auto& id : ids) {
    long long newest = 0;
    for (const auto& push : shop.stub.pushes()) {
      if (push.order_id == id) newest = std::max(newest, push.version);
    }
    CHECK(newest == 4);
  }
}

TEST_CASE("a payment is made at the provider, and its webhook confirms it without the phone",
          "[push][payment]") {
  ServicesStub stub;
  auto environment = stub.environment();
  environment.emplace_back("RAZORPAY_KEY_ID", ServicesStub::key_id);
  environment.emplace_back("RAZORPAY_WEBHOOK_SECRET", "webhook-secret");
  OrderServer server(stub.options(), Database::demo_copy, environment);
  const auto order = server.new_order(demo().customer, "org-1", "ONLINE");
  const auto id = text_of(order, "id");
  CHECK(order.at("razorpayOrderId").is_null());

  stub.behave({{"order", {{"kind", "internal"}, {"times", 1}}}});
  const auto path = "/api/v1/orders/" + id + "/payment";
  CHECK(server.as(demo().customer).post(path, Json::object()).status == 502);
  const auto bill = server.as(demo().customer).post(path, Json::object());
  INFO(bill.body);
  REQUIRE(bill.status == 200);
  const auto made = stub.heard().at("orders").at(0);
  CHECK(text_of(bill.data(), "razorpayOrderId") == text_of(made, "id"));
  CHECK(text_of(made, "receipt") == id);
  CHECK(text_of(made, "credentials") ==
        std::string(ServicesStub::key_id) + ":" + std::string(razorpay_secret));
  CHECK(server.log().find(std::string(razorpay_secret)) == std::string::npos);

  const Json event{{"event", "payment.captured"},
                   {"payload",
                    {{"payment",
                      {{"entity",
                        {{"id", "pay_1"},
                         {"order_id", text_of(made, "id")},
                         {"amount", made.at("amount")},
                         {"currency", "INR"},
                         {"status", "captured"},
                         {"captured", true},
                         {"amount_refunded", 0}}}}}}}};
  Watcher owner(server, demo().customer);
  owner.follow(id);
  const auto deliver = [&] {
    return server.anonymous().post(
        "/api/v1/payments/webhook", event,
        {{"X-Razorpay-Event-Id", "evt_1"},
         {"X-Razorpay-Signature", hex(hmac_sha256("webhook-secret", event.dump()))}});
  };
  // Two webhooks come at once and race the phone.
  std::vector<std::thread> racing;
  racing.reserve(3);
  for (int i = 0; i < 2; ++i) racing.emplace_back([&] { CHECK_NOFAIL(deliver().status == 200); });
  racing.emplace_back([&, api = server.as(demo().customer)] {
    const auto razorpay_order = text_of(made, "id");
    static_cast<void>(api.verify_payment(id, razorpay_order, "pay_1",
                                         payment_signature(razorpay_order, "pay_1")));
  });
  for (auto& one : racing) one.join();
  CHECK(deliver().status == 200);
  owner.read_until(update_of(id, 3));  // version 2 brought the provider's order
  const auto paid = server.order(id);
  CHECK(text_of(paid, "paymentStatus") == "PAID");
  CHECK(text_of(paid, "status") == "CONFIRMED");
  CHECK(integer_of(paid, "version") == 3);
}
