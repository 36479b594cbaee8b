// SPDX-License-Identifier: MIT
// What can go wrong with NATS under a node that listens. In the end the node always hears the
// stream again, and is behind if it may have missed something.
#include "backplane/engines.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercast;
using namespace ordercast::test;
using namespace std::chrono_literals;

namespace {

constexpr auto stored = BackplaneAnswer::stored;

/// One server, a node that publishes and one that listens, both directly.
struct World {
  World() {
    if (!eventually([this] { return server.is_ready(); })) {
      throw std::runtime_error("nats-server does not start: " + server.log());
    }
    backplane.emplace(options());
    backplane->subscribe(heard.receiver());
    if (!eventually([this] { return backplane->hears(); })) {
      throw std::runtime_error("the node does not hear");
    }
  }
  ~World() { backplane->stop(); }

  [[nodiscard]] nats::Options options() const { return quick_options({server.url()}); }
  [[nodiscard]] nats::Connection connection() const { return nats::Connection(options()); }

  /// Until a publish is acknowledged, as a dispatcher does.
  void publish_until_stored(std::uint64_t version) {
    REQUIRE(eventually([&] { return publish(*backplane, change("order-1", version)) == stored; }));
  }

  NatsServer server;
  Heard heard;
  std::optional<nats::Backplane> backplane;
};

/// The state of the stream, read from the server.
std::uint64_t messages_of(const nats::Connection& connection) {
  jsStreamInfo* found = nullptr;
  REQUIRE(js_GetStreamInfo(&found, connection.jetstream(), "ORDERCAST", nullptr, nullptr) ==
          NATS_OK);
  const nats::StreamInfoPtr info(found);
  return info->State.Msgs;
}

void publish_raw(const nats::Connection& connection, const std::string& data) {
  REQUIRE(js_Publish(nullptr, connection.jetstream(), "ordercast.order.x.y", data.data(),
                     static_cast<int>(data.size()), nullptr, nullptr) == NATS_OK);
}

}  // namespace

TEST_CASE("nats: a server that is killed and comes back with its store costs nothing", "[nats]") {
  World world;
  world.publish_until_stored(1);
  REQUIRE(world.heard.wait_for_orders(1));

  world.server.kill();
  REQUIRE(eventually([&] { return !world.backplane->hears(); }));
  CHECK(world.backplane->behind() == 1);
  CHECK(publish(*world.backplane, change("order-1", 2)) == BackplaneAnswer::unavailable);
  world.server.start();
  REQUIRE(eventually([&] { return world.backplane->hears(); }));
  world.publish_until_stored(2);

  REQUIRE(world.heard.wait_for_orders(2));
  CHECK(world.heard.versions() == std::vector<std::uint64_t>{1, 2});
  CHECK(world.backplane->behind() == 1);
}

TEST_CASE("nats: a server that comes back without its store leaves the node behind", "[nats]") {
  World world;
  for (std::uint64_t version = 1; version <= 5; ++version) world.publish_until_stored(version);
  REQUIRE(world.heard.wait_for_orders(5));

  world.server.kill();
  REQUIRE(eventually([&] { return !world.backplane->hears(); }));
  world.server.lose_store();
  world.server.start();

  REQUIRE(world.heard.wait_for_reason("the stream is another one than before"));
  REQUIRE(eventually([&] { return world.backplane->hears(); }));
  CHECK(world.backplane->behind() == 2);
  // Its sequence is below the one that the node had seen: libnats' ordered consumer would wait.
  world.publish_until_stored(6);
  REQUIRE(world.heard.wait_for_orders(6));
  CHECK(world.heard.versions().back() == 6);
}

TEST_CASE("nats: a stream that is deleted under the node is made again", "[nats]") {
  World world;
  for (std::uint64_t version = 1; version <= 3; ++version) world.publish_until_stored(version);
  REQUIRE(world.heard.wait_for_orders(3));

  REQUIRE(js_DeleteStream(world.connection().jetstream(), "ORDERCAST", nullptr, nullptr) ==
          NATS_OK);

  REQUIRE(world.heard.wait_for_reason("the stream is another one than before"));
  REQUIRE(eventually([&] { return world.backplane->hears(); }));
  world.publish_until_stored(4);
  REQUIRE(world.heard.wait_for_orders(4));
  CHECK(world.backplane->behind() >= 2);
}

TEST_CASE("nats: a server that stands still is noticed by its silence", "[nats]") {
  World world;
  world.publish_until_stored(1);
  REQUIRE(world.heard.wait_for_orders(1));

  world.server.stop_process();
  // Its threads stop one by one, so that the first may still be stored.
  REQUIRE(eventually([&] {
    const auto answer = publish(*world.backplane, change("order-1", 2));
    REQUIRE(answer);
    return *answer == BackplaneAnswer::unavailable;
  }));
  REQUIRE(eventually([&] { return !world.backplane->hears(); }));
  CHECK(world.backplane->behind() == 1);
  world.server.continue_process();

  REQUIRE(eventually([&] { return world.backplane->hears(); }));
  world.publish_until_stored(3);
  REQUIRE(eventually([&] { return world.heard.versions().back() == 3; }));
  // What was not acknowledged may have been stored: then it arrives, once.
  CHECK(world.heard.orders().size() <= 3);
}

TEST_CASE("nats: a network that drops in silence is noticed, and nothing is missed", "[nats]") {
  World world;
  TcpProxy proxy(world.server.port());
  nats::Backplane cut(quick_options({proxy.url()}));
  Heard heard;
  cut.subscribe(heard.receiver());
  REQUIRE(eventually([&] { return cut.hears(); }));

  proxy.drop_silently();
  REQUIRE(eventually([&] { return !cut.hears(); }));
  CHECK(cut.behind() == 1);
  for (std::uint64_t version = 1; version <= 10; ++version) world.publish_until_stored(version);
  proxy.pass();

  REQUIRE(heard.wait_for_orders(10));
  REQUIRE(eventually([&] { return cut.hears(); }));
  CHECK(heard.orders().size() == 10);
  CHECK(cut.behind() == 1);
  cut.stop();
}

TEST_CASE("nats: a node starts without a server and hears once there is one", "[nats]") {
  NatsServer server;
  server.kill();
  nats::Backplane backplane(quick_options({server.url()}));
  Heard heard;
  backplane.subscribe(heard.receiver());
  CHECK_FALSE(backplane.hears());
  CHECK(publish(backplane, change("order-1", 1)) == BackplaneAnswer::unavailable);

  server.start();
  REQUIRE(eventually([&] { return backplane.hears(); }));
  REQUIRE(publish(backplane, change("order-1", 1)) == stored);
  REQUIRE(heard.wait_for_orders(1));
  backplane.stop();
}

TEST_CASE(
    "nats: messages that are deleted from the stream put a node that has not read them behind",
    "[nats]") {
  World world;
  world.publish_until_stored(1);
  REQUIRE(world.heard.wait_for_orders(1));
  // A position moves after the delivery, so that what a crash cuts off is delivered again.
  REQUIRE(eventually([&] { return world.backplane->position()->sequence == 1; }));
  const auto position = *world.backplane->position();
  world.publish_until_stored(2);
  world.publish_until_stored(3);
  REQUIRE(js_DeleteMsg(world.connection().jetstream(), "ORDERCAST", position.sequence + 1, nullptr,
                       nullptr) == NATS_OK);

  nats::Backplane late(world.options());
  Heard heard;
  late.subscribe(heard.receiver(), position);
  REQUIRE(heard.wait_for_orders(1));
  CHECK(heard.versions() == std::vector<std::uint64_t>{3});
  CHECK(late.behind() == 1);
  late.stop();
}

TEST_CASE("nats: a node hears although the newest messages were deleted from the stream",
          "[nats]") {
  World world;
  world.publish_until_stored(1);
  REQUIRE(eventually([&] { return world.backplane->position()->sequence == 1; }));
  const auto position = *world.backplane->position();
  world.publish_until_stored(2);
  REQUIRE(js_DeleteMsg(world.connection().jetstream(), "ORDERCAST", position.sequence + 1, nullptr,
                       nullptr) == NATS_OK);

  nats::Backplane late(world.options());
  Heard heard;
  late.subscribe(heard.receiver(), position);
  REQUIRE(eventually([&] { return late.hears(); }));
  CHECK(late.behind() == 1);
  world.publish_until_stored(3);
  REQUIRE(heard.wait_for_orders(1));
  CHECK(heard.versions() == std::vector<std::uint64_t>{3});
  CHECK(late.behind() == 1);
  late.stop();
}

TEST_CASE("nats: a consumer that the server ends is made again and goes on", "[nats]") {
  World world;
  world.publish_until_stored(1);
  REQUIRE(world.heard.wait_for_orders(1));
  {
    const auto connection = world.connection();
    jsConsumerNamesList* found = nullptr;
    REQUIRE(js_ConsumerNames(&found, connection.jetstream(), "ORDERCAST", nullptr, nullptr) ==
            NATS_OK);
    REQUIRE(found->Count == 1);
    REQUIRE(js_DeleteConsumer(connection.jetstream(), "ORDERCAST", found->List[0], nullptr,
                              nullptr) == NATS_OK);
    jsConsumerNamesList_Destroy(found);
  }
  REQUIRE(eventually([&] { return world.backplane->behind() == 1; }));
  world.publish_until_stored(2);
  REQUIRE(world.heard.wait_for_orders(2));
  CHECK(world.backplane->behind() == 1);
}

TEST_CASE("nats: a version that is published again is stored once", "[nats]") {
  World world;
  nats::Backplane other(world.options());
  REQUIRE(publish(*world.backplane, change("order-1", 1)) == stored);
  REQUIRE(publish(*world.backplane, change("order-1", 1)) == stored);
  REQUIRE(eventually([&] { return publish(other, change("order-1", 1)) == stored; }));
  REQUIRE(publish(other, change("order-1", 2)) == stored);
  CHECK(messages_of(world.connection()) == 2);
  other.stop();
}

TEST_CASE("nats: an order that is too large arrives without its JSON", "[nats]") {
  World world;
  const std::string json =
      "{\"x\":\"" + std::string(world.options().max_message_bytes, 'x') + "\"}";
  auto event = change("order-1", 7);
  event.json = json;
  REQUIRE(publish(*world.backplane, event) == stored);
  REQUIRE(world.heard.wait_for_orders(1));
  CHECK(world.heard.orders()[0].version == 7);
  CHECK(world.heard.orders()[0].json.empty());

  const std::string status(world.options().max_message_bytes, 's');
  event.status = status;
  CHECK(publish(*world.backplane, event) == BackplaneAnswer::refused);
}

TEST_CASE("nats: a message that can't be read counts as missed, one of a newer release does not",
          "[nats]") {
  World world;
  const auto connection = world.connection();
  publish_raw(connection, "no message of ours");
  publish_raw(connection, "{\"v\":2,\"type\":\"telegram\",\"x\":1}\n...");
  publish_raw(
      connection,
      "{\"v\":2,\"type\":\"order\",\"from\":\"n\",\"id\":\"order-1\",\"owner\":\"alice\","
      "\"organization\":\"org-1\",\"status\":\"NEW\",\"version\":3,\"more\":{\"x\":[1]}}\n{}");
  REQUIRE(world.heard.wait_for_orders(1));
  CHECK(world.heard.orders()[0].version == 3);
  CHECK(world.heard.orders()[0].json == "{}");
  CHECK(world.backplane->behind() == 1);
}

TEST_CASE("nats: messages are written so that an earlier release reads them", "[nats]") {
  const auto data = nats::encode(change("order-1", 2), "node", 1000);
  CHECK(data ==
        "{\"v\":1,\"type\":\"order\",\"from\":\"node\",\"id\":\"order-1\",\"owner\":\"alice\","
        "\"organization\":\"org-1\",\"assignee\":\"\",\"status\":\"CONFIRMED\",\"version\":2,"
        "\"whole\":true}\n{\"items\":[]}");
  CHECK(nats::encode(BackplaneNotice{"log-out", "alice"}, "node", 1000) ==
        "{\"v\":1,\"type\":\"notice\",\"from\":\"node\",\"kind\":\"log-out\"}\nalice");
  CHECK_FALSE(nats::encode(change("\xFF", 2), "node", 1000));
}

TEST_CASE("nats: replies of old and new servers are read", "[nats]") {
  nats::StreamMetadata metadata;
  REQUIRE(nats::read_metadata("$JS.ACK.S.c.1.17.5.1700000000.3", metadata));
  CHECK(metadata.stream_sequence == 17);
  CHECK(metadata.consumer_sequence == 5);
  CHECK(metadata.pending == 3);
  REQUIRE(nats::read_metadata("$JS.ACK._.hash.S.c.1.18.6.1700000000.2", metadata));
  CHECK(metadata.stream_sequence == 18);
  REQUIRE(nats::read_metadata("$JS.ACK.hub.hash.S.c.1.19.7.1700000000.0.x9", metadata));
  CHECK(metadata.stream_sequence == 19);
  for (const char* wrong : {"", "$JS.ACK.S.c.1.x.5.1.3", "$JS.ACK.S.c.1.1.5.1", "_INBOX.1.2",
                            "$JS.ACK.S.c.1.2.3.4.5.6", "$JS.FC.S.c.1.2.3.4.5"}) {
    CHECK_FALSE(nats::read_metadata(wrong, metadata));
  }
}

TEST_CASE("nats: impossible options are named, without a secret", "[nats]") {
  const auto fault = [](auto change) {
    nats::Options options = quick_options({"nats://127.0.0.1:4222"});
    change(options);
    return nats::find_fault(options);
  };
  using O = nats::Options;
  CHECK(fault([](O&) {}).empty());
  CHECK(fault([](O& o) { o.servers = {"tls://a.example:1", "nats://[::1]:2"}; }).empty());
  CHECK(fault([](O& o) { o.servers.clear(); }) == "NATS: no server is given");
  const auto secret = fault([](O& o) { o.servers = {"nats://u:hunter2@h:1"}; });
  CHECK(secret.find("credentials file") != std::string::npos);
  CHECK(secret.find("hunter2") == std::string::npos);
  for (const char* url : {"http://h:1", "nats://", "h:4222", "nats://:4222", "nats://h:1/x"}) {
    CHECK_FALSE(fault([&](O& o) { o.servers = {url}; }).empty());
  }
  CHECK_FALSE(fault([](O& o) { o.stream = "a.b"; }).empty());
  CHECK_FALSE(fault([](O& o) { o.subject_prefix = ""; }).empty());
  CHECK_FALSE(fault([](O& o) { o.replicas = 0; }).empty());
  CHECK_FALSE(fault([](O& o) { o.certificate_file = "x"; }).empty());
  CHECK_THROWS_AS(nats::Backplane(O{}), std::invalid_argument);
  O unreadable = quick_options({"nats://127.0.0.1:1"});
  unreadable.ca_file = "/no/such/file";
  CHECK_THROWS_AS(nats::Backplane(unreadable), std::runtime_error);
}

TEST_CASE("nats: ids become legal tokens, each a different one", "[nats]") {
  CHECK(nats::subject_token("order-1_A") == "order-1_A");
  CHECK(nats::subject_token("") == "=");
  CHECK(nats::subject_token("=") == "=3D");
  CHECK(nats::subject_token("a.b *>") == "a=2Eb=20=2A=3E");
  CHECK(nats::subject_token("\xC3\xA4") == "=C3=A4");
  CHECK(nats::order_subject("oc", "org.1", "o 1") == "oc.order.org=2E1.o=201");
}

TEST_CASE("nats: one of three servers may go, the leader too, and no change is missed",
          "[nats][three]") {
  std::vector<std::uint16_t> routes{free_port(), free_port(), free_port()};
  std::string all;
  for (const auto port : routes) {
    all += (all.empty() ? "" : ",") + ("nats://127.0.0.1:" + std::to_string(port));
  }
  std::vector<std::unique_ptr<NatsServer>> servers;
  for (std::size_t i = 0; i < 3; ++i) {
    servers.push_back(std::make_unique<NatsServer>(
        std::vector<std::string>{"--cluster_name", "oc", "--cluster",
                                 "nats://127.0.0.1:" + std::to_string(routes[i]), "--routes", all},
        "n" + std::to_string(i + 1)));
  }
  auto options = quick_options({servers[0]->url(), servers[1]->url(), servers[2]->url()});
  options.replicas = 3;
  options.heartbeat = 500ms;
  nats::Backplane a(options);
  nats::Backplane b(options);
  Heard heard;
  Heard own;
  a.subscribe(own.receiver());
  b.subscribe(heard.receiver());
  REQUIRE(eventually([&] { return a.hears() && b.hears(); }));
  const auto publish_version = [&](std::uint64_t version) {
    return eventually([&] { return publish(a, change("order-1", version)) == stored; });
  };
  REQUIRE(publish_version(1));
  REQUIRE(heard.wait_for_orders(1));

  std::string leader;
  {
    const nats::Connection connection(options);
    jsStreamInfo* found = nullptr;
    REQUIRE(js_GetStreamInfo(&found, connection.jetstream(), "ORDERCAST", nullptr, nullptr) ==
            NATS_OK);
    const nats::StreamInfoPtr info(found);
    REQUIRE(info->Config->Replicas == 3);
    leader = info->Cluster->Leader;
  }
  servers[static_cast<std::size_t>(leader[1] - '1')]->kill();
  REQUIRE(publish_version(2));
  REQUIRE(eventually([&] { return heard.versions().back() == 2; }));
  CHECK(heard.versions() == std::vector<std::uint64_t>{1, 2});
  a.stop();
  b.stop();
}
