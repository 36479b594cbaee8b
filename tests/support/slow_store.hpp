// SPDX-License-Identifier: MIT
#pragma once

#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"
#include <ordercast/connection_manager.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One client of a manager whose seams answer well, badly, late or not at all, as the test says.
namespace ordercast::test {

struct AnyUser {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    return Identity{std::string(token), Reach::own};
  }
};

/// The answers of the seams of one test.
struct StoreAnswers {
  Access access = Access::granted;
  bool store_works = true;
  bool tells_version = false;  ///< The authorizer says the order's version with its yes.
  bool throws = false;
  std::size_t order_bytes = 10;
  std::uint64_t version = 7;
  int authorized = 0;
  int fetched = 0;
  int fetching = 0;
  int most_fetching = 0;
  bool later = false;
  std::vector<std::function<void()>> waiting;
  std::vector<std::string> order_of_fetches;

  [[nodiscard]] std::string json() const {
    return R"({"version":)" + std::to_string(version) + R"(,"x":")" +
           std::string(order_bytes, 'x') + "\"}";
  }
  void answer(std::function<void()> call) {
    if (later) {
      waiting.push_back(std::move(call));
    } else {
      call();
    }
  }
  void answer_all() {
    while (!waiting.empty()) {
      const auto call = waiting.front();
      waiting.erase(waiting.begin());
      call();
    }
  }
};

struct SlowAuthorizer {
  StoreAnswers* answers;
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    ++answers->authorized;
    if (answers->throws) throw std::runtime_error("expected by a test");
    if (answers->tells_version && answers->access == Access::granted) {
      answers->answer([done, at = GrantedAt{answers->version}] { done(at); });
    } else {
      answers->answer([done, access = answers->access] { done(access); });
    }
  }
};
struct SlowOrders {
  StoreAnswers* answers;
  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    ++answers->fetched;
    answers->order_of_fetches.emplace_back(order_id);
    answers->most_fetching = std::max(answers->most_fetching, ++answers->fetching);
    if (answers->throws) {
      --answers->fetching;
      throw std::bad_alloc();
    }
    answers->answer([this, done, works = answers->store_works,
                     snapshot = OrderSnapshot{answers->version, answers->json()}] {
      --answers->fetching;
      if (works) {
        done(std::optional<OrderSnapshot>(snapshot));
      } else {
        done(Unavailable{});
      }
    });
  }
};
using SlowSeams = Services<AnyUser, SlowAuthorizer, SlowOrders, NullObserver, ManualClock>;

/// So many messages may wait.
inline Limits room_for(std::size_t messages) {
  Limits limits;
  limits.max_outbox_messages = messages;
  return limits;
}

struct SlowStore {
  explicit SlowStore(Limits limits = {}) : manager(transport, seams(), limits, nullptr, 1) {
    manager.on_open(1, "alice");
  }
  SlowSeams seams() { return SlowSeams{{}, {&answers}, {&answers}, {}, clock}; }
  void subscribe(const std::string& order, const std::string& more = "") {
    manager.on_message(1, R"({"type":"subscribe","orderId":")" + order + "\"" + more + "}");
  }
  void publish(const std::string& order, std::uint64_t version) {
    answers.version = version;
    const auto json = answers.json();
    manager.publish({order, OwnerId("bob"), OrganizationId(), "READY", version, json});
  }
  /// The client watches two orders and stops to read: with room for one message it is owed version
  /// 9 of "b".
  void owe_b() {
    transport.high_water = 1;
    subscribe("a");
    subscribe("b");
    transport[1].reads = false;
    publish("a", 8);
    publish("a", 9);
    publish("b", 9);
  }
  void pass(Duration time) {
    const auto end = clock.now() + time;
    while (clock.now() < end) {
      clock.advance(std::chrono::milliseconds(100));
      manager.tick(clock.now());
      manager.on_pong(1);
    }
  }
  /// Reads all that waits, as a slow but willing reader does.
  void read_all() {
    for (int i = 0; i < 1000; ++i) {
      if (transport.take(1)) {
        manager.on_writable(1);
      } else {
        return;
      }
    }
  }
  [[nodiscard]] std::size_t count(const std::string& part) {
    const auto& got = transport[1].received;
    return static_cast<std::size_t>(std::count_if(got.begin(), got.end(), [&](const auto& text) {
      return text.find(part) != std::string::npos;
    }));
  }

  StoreAnswers answers;
  ManualClock clock;
  FakeTransport transport;
  ConnectionManager<FakeTransport, SlowSeams> manager;
};

}  // namespace ordercast::test
