// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace ordercast::test;

namespace {

const std::vector<std::string> steps = {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY",
                                        "DELIVERED"};

/// Reads one connection until every order has reached `last`; versions may skip (an order is a
/// state, not a log) but never repeat or go back.
void check_rising_to(Watcher& watcher, std::map<std::string, long long>& versions, long long last) {
  const auto done = [&] {
    for (const auto& [id, version] : versions) {
      if (version < last) return false;
    }
    return true;
  };
  while (!done()) {
    const auto message = watcher.next();
    if (text_of(message, "type") != "order:updated") continue;
    const auto version = integer_of(message.at("data"), "version");
    auto& seen = versions.at(text_of(message, "orderId"));
    CHECK(version > seen);
    CHECK(version <= last);
    CHECK(message.at("data").at("statusLogs").size() == static_cast<std::size_t>(version));
    seen = version;
  }
}

}  // namespace

TEST_CASE("in a storm of changes versions only rise on a connection and the last one arrives",
          "[storm]") {
  OrderServer server;
  std::vector<std::string> ids;
  ids.reserve(40);
  for (int i = 0; i < 40; ++i) ids.push_back(text_of(server.new_order(demo().customer), "id"));

  Watcher owner(server, demo().customer);
  Watcher manager(server, demo().manager);
  std::map<std::string, long long> owner_versions;
  std::map<std::string, long long> manager_versions;
  for (const auto& id : ids) {
    owner.subscribe(id);
    manager.subscribe(id, 0);
    owner_versions[id] = 1;
    manager_versions[id] = 0;
  }
  owner.read_until_pong();

  std::atomic<int> refused{0};
  std::vector<std::thread> staff;
  for (std::size_t worker = 0; worker < 4; ++worker) {
    staff.emplace_back([&, worker, api = server.as(demo().admin)] {
      for (const auto& step : steps) {
        for (std::size_t i = worker; i < ids.size(); i += 4) {
          if (api.set_status(ids[i], step).status != 200) ++refused;
        }
      }
    });
  }
  check_rising_to(owner, owner_versions, 6);
  check_rising_to(manager, manager_versions, 6);
  for (auto& thread : staff) thread.join();
  CHECK(refused == 0);
}

TEST_CASE("clients that reconnect with since in mid-storm miss nothing", "[storm]") {
  OrderServer server;
  std::vector<std::string> ids;
  ids.reserve(20);
  for (int i = 0; i < 20; ++i) ids.push_back(text_of(server.new_order(demo().customer), "id"));

  std::thread staff([&ids, api = server.as(demo().admin)] {
    for (const auto& step : steps) {
      for (const auto& id : ids) static_cast<void>(api.set_status(id, step));
    }
  });
  std::map<std::string, long long> versions;
  for (const auto& id : ids) versions[id] = 0;
  const auto behind = [&] {
    for (const auto& [id, version] : versions) {
      if (version < 6) return true;
    }
    return false;
  };
  // Each connection lives for a few messages only, and only the last seen version links them. So
  // every change falls before, between or into subscriptions, and none may be lost.
  int quiet = 0;
  for (int life = 0; behind() && quiet < 1000; ++life) {
    Watcher flaky(server, token_for("flaky-" + std::to_string(life), "SUPER_ADMIN"));
    for (const auto& [id, version] : versions) flaky.subscribe(id, version);
    bool moved = false;
    auto heard = flaky.read_until_pong();
    for (int more = 0; more < 5 && behind(); ++more) {
      const auto text = flaky.ws().next_text(std::chrono::milliseconds{20});
      if (!text) break;
      heard.push_back(parse_json(*text));
    }
    for (const auto& message : heard) {
      if (text_of(message, "type") != "order:updated") continue;
      auto& seen = versions.at(text_of(message, "orderId"));
      const auto version = integer_of(message.at("data"), "version");
      CHECK(version > seen);
      seen = version;
      moved = true;
    }
    quiet = moved ? 0 : quiet + 1;
  }
  staff.join();
  CHECK_FALSE(behind());
}
