// SPDX-License-Identifier: MIT
#include "services_stub.hpp"
#include "storm.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

/// Between every two steps of a change's way (workers/fail_point.hpp), and anywhere else.
const std::vector<std::string> fail_points = {
    "change.decided", "change.committed", "broadcast.published", "broadcast.marked",
    "push.queued",    "push.sent",        "push.marked",         "anywhere"};

constexpr const char* phone = "a-device-token-of-the-customer-1";
constexpr const char* tablet = "a-device-token-of-the-customer-2";

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

/// How often each push came.
std::map<std::tuple<std::string, std::string, long long>, int> counted(
    const std::vector<HeardPush>& pushes) {
  std::map<std::tuple<std::string, std::string, long long>, int> counts;
  for (const auto& push : pushes) ++counts[{push.token, push.order_id, push.version}];
  return counts;
}

int repeats(const std::vector<HeardPush>& pushes) {
  int count = 0;
  for (const auto& [push, times] : counted(pushes)) count += times - 1;
  return count;
}

}  // namespace

/// Kills the server at random points of a storm of changes, again and again on one database. After
/// each restart every change that was answered 200 is there, without a hole, and reaches a client
/// that comes back with `since`; in the end each device has been told the last state of each order,
/// and nothing twice, but for the one push that was under way at a crash.
TEST_CASE("no crash loses a change, a broadcast or a push", "[crash_points]") {
  const auto crashes = number_from_environment("ORDERCAST_CRASHES", 200);
  const auto seed = number_from_environment("ORDERCAST_SEED", std::random_device{}());
  CAPTURE(crashes, seed);
  std::mt19937 random(seed);
  const auto up_to = [&](unsigned most) { return 1 + random() % most; };

  ServicesStub stub;
  // One push at a time: so there is at most one between its sending and its mark.
  OrderServer server(stub.options({"--push-concurrency", "1"}), Database::demo_copy,
                     stub.environment());
  register_device(server, demo().customer, phone);
  register_device(server, demo().customer, tablet);
  std::map<std::string, long long> acknowledged;
  std::map<std::string, int> died_at;
  int allowed_repeats = 0;

  for (unsigned crash = 0; crash < crashes; ++crash) {
    // Orders while the server is whole; then one that is to die.
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(text_of(server.new_order(demo().customer), "id"));
    const auto& point = fail_points[random() % fail_points.size()];
    CAPTURE(crash, point);
    server.kill();
    ++allowed_repeats;  // that was a crash too
    server.start_with({{"ORDER_SERVER_FAIL_POINT", point + ":" + std::to_string(up_to(12))}});
    {
      Storm storm(server, ids);
      if (point == "anywhere") {
        const auto after = up_to(12);
        static_cast<void>(eventually([&] {
          static_cast<void>(server.anonymous().get("/healthz"));
          return storm.answered() >= after;
        }));
        server.kill();
      }
      storm.join();
      for (const auto& [id, version] : storm.acknowledged()) acknowledged[id] = version;
    }
    server.kill();  // where the point was never passed
    ++died_at[point];
    ++allowed_repeats;

    server.start();
    Watcher back(server, demo().customer);
    for (const auto& id : ids) {
      const auto order = server.order(id);
      const auto version = integer_of(order, "version");
      CHECK(version >= acknowledged[id]);
      CHECK(order.at("statusLogs").size() == static_cast<std::size_t>(version));
      if (version == 1) continue;
      back.subscribe(id, version - 1);
      back.read_until(update_of(id, version));
    }
  }

  REQUIRE(server.metric_becomes("ordercast_outbox_depth", 0));
  REQUIRE(server.metric_becomes("ordercast_push_depth", 0));
  const auto pushes = stub.pushes();
  const auto counts = counted(pushes);
  std::size_t changed = 0;
  for (const auto& [id, version] : acknowledged) {
    const auto last = integer_of(server.order(id), "version");
    if (last == 1) continue;
    ++changed;
    for (const auto* device : {phone, tablet}) {
      CAPTURE(id, last, device);
      CHECK(counts.count({device, id, last}) == 1);
    }
  }
  CHECK(repeats(pushes) <= allowed_repeats);
  CHECK(stub.heard().at("refused").empty());
  std::printf("%u crashes, %zu orders changed, %zu pushes taken, %d of them twice\n", crashes,
              changed, pushes.size(), repeats(pushes));
  for (const auto& [point, count] : died_at) std::printf("  %-20s %d\n", point.c_str(), count);
}
