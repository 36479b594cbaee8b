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
#include <tuple>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

/// The points between the steps of a change (workers/fail_point.hpp).
const std::vector<std::string> fail_points = {
    "change.decided",      "group.joined",     "group.committed", "change.committed",
    "broadcast.published", "broadcast.marked", "push.queued",     "push.sent",
    "push.marked",         "anywhere"};

constexpr const char* phone = "a-device-token-of-the-customer-1";
constexpr const char* tablet = "a-device-token-of-the-customer-2";

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

using PushKey = std::tuple<std::string, std::string, long long>;

/// The runs of the server in which each push came, in order of arrival.
std::map<PushKey, std::vector<std::string>> sessions_of(const std::vector<HeardPush>& pushes) {
  std::map<PushKey, std::vector<std::string>> sessions;
  for (const auto& push : pushes) {
    sessions[{push.token, push.order_id, push.version}].push_back(push.session);
  }
  return sessions;
}

}  // namespace

/// Kills the server at random points of a storm of changes, again and again on one database. After
/// each restart every change that was answered with 200 is stored, without a gap, and reaches a
/// client that reconnects with `since`. In the end each device has got the last state of each
/// order, and nothing twice, except the one push that was in flight at a crash.
TEST_CASE("no crash loses a change, a broadcast or a push", "[crash_points]") {
  const auto crashes = number_from_environment("ORDERCAST_CRASHES", 200);
  const auto seed = number_from_environment("ORDERCAST_SEED", std::random_device{}());
  CAPTURE(crashes, seed);
  std::mt19937 random(seed);
  const auto up_to = [&](unsigned most) { return 1 + random() % most; };

  ServicesStub stub;
  // One push at a time, so that at most one is sent but not recorded.
  OrderServer server(stub.options({"--push-concurrency", "1"}), Database::demo_copy,
                     stub.environment());
  register_device(server, demo().customer, phone);
  register_device(server, demo().customer, tablet);
  std::map<std::string, long long> acknowledged;
  std::map<std::string, int> died_at;

  for (unsigned crash = 0; crash < crashes; ++crash) {
    // Place orders on a healthy server; then start one that will crash.
    std::vector<std::string> ids;
    for (int i = 0; i < 6; ++i) ids.push_back(text_of(server.new_order(demo().customer), "id"));
    const auto& point = fail_points[random() % fail_points.size()];
    CAPTURE(crash, point);
    server.kill();
    server.start_with({{"ORDER_SERVER_FAIL_POINT", point + ":" + std::to_string(up_to(12))}});
    {
      std::map<std::string, long long> versions;
      for (const auto& id : ids) versions.emplace(id, 1);
      Storm storm(server, ids, std::move(versions));
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
  const auto sessions = sessions_of(pushes);
  std::size_t changed = 0;
  for (const auto& [id, version] : acknowledged) {
    const auto last = integer_of(server.order(id), "version");
    if (last == 1) continue;
    ++changed;
    for (const auto* device : {phone, tablet}) {
      CAPTURE(id, last, device);
      CHECK(sessions.count({device, id, last}) == 1);
    }
  }
  // A repeated push came from different runs, and a run repeats at most the one push that was in
  // flight when the run before it was killed.
  std::map<std::string, int> repeated_by;
  std::size_t repeats = 0;
  for (const auto& [push, runs] : sessions) {
    CHECK(std::set<std::string>(runs.begin(), runs.end()).size() == runs.size());
    for (std::size_t i = 1; i < runs.size(); ++i) ++repeated_by[runs[i]];
    repeats += runs.size() - 1;
  }
  for (const auto& [run, count] : repeated_by) CHECK(count == 1);
  CHECK(stub.heard().at("refused").empty());
  std::printf("%u crashes, %zu orders changed, %zu pushes taken, %zu of them again\n", crashes,
              changed, pushes.size(), repeats);
  for (const auto& [point, count] : died_at) std::printf("  %-20s %d\n", point.c_str(), count);
}
