// SPDX-License-Identifier: MIT
#pragma once

#include "support/manual_clock.hpp"
#include <ordercast/services.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Services over a small world that the test owns: users by token, orders by id, answers at once or
/// when the test says so.
namespace ordercast::test {

struct FakeOrder {
  std::string owner;
  std::string organization;
  std::uint64_t version = 1;
  std::string json = "{}";
};

/// What the services of one test share.
struct World {
  std::map<std::string, Identity, std::less<>> tokens;
  std::map<std::string, FakeOrder, std::less<>> orders;
  bool answer_later = false;
  std::deque<std::function<void()>> answers;  ///< Waiting, oldest first.
  int lookups = 0;

  std::size_t connected = 0;
  std::size_t subscribed = 0;
  std::size_t conflated = 0;
  std::size_t dropped = 0;
  std::map<MessageType, std::size_t> delivered;
  std::map<ErrorCode, std::size_t> errors;

  /// Gives the oldest waiting answer, or all of them.
  void answer_one() {
    auto answer = std::move(answers.front());
    answers.pop_front();
    answer();
  }
  void answer_all() {
    while (!answers.empty()) answer_one();
  }
};

class FakeServices {
 public:
  explicit FakeServices(std::shared_ptr<World> shared, ManualClock manual = {})
      : authenticator{shared.get()},
        authorizer{shared.get()},
        orders{shared.get()},
        observer(shared.get()),
        clock(std::move(manual)),
        world_(std::move(shared)) {}

  struct Authenticator {
    World* world;
    [[nodiscard]] AuthResult authenticate(std::string_view token) const {
      if (token.empty()) return AuthFailure{"Missing token", "no token"};
      const auto found = world->tokens.find(token);
      if (found == world->tokens.end()) return AuthFailure{};
      return found->second;
    }
  };
  struct Authorizer {
    World* world;
    template <class Done>
    void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
      ++world->lookups;
      const auto found = world->orders.find(order_id);
      const bool allowed =
          found != world->orders.end() &&
          may_watch(who, OwnerId(found->second.owner), OrganizationId(found->second.organization));
      if (!world->answer_later) {
        done(allowed);
      } else {
        world->answers.push_back([done, allowed] { done(allowed); });
      }
    }
  };
  struct OrderSource {
    World* world;
    template <class Done>
    void fetch(std::string_view order_id, Done done) const {
      ++world->lookups;
      std::optional<OrderSnapshot> snapshot;
      const auto found = world->orders.find(order_id);
      if (found != world->orders.end()) {
        snapshot = OrderSnapshot{found->second.version, found->second.json};
      }
      if (!world->answer_later) {
        done(snapshot);
      } else {
        world->answers.push_back([done, snapshot] { done(snapshot); });
      }
    }
  };
  struct Observer : NullObserver {
    explicit Observer(World* shared) : world(shared) {}
    World* world;
    void on_connected() noexcept { ++world->connected; }
    void on_disconnected() noexcept { --world->connected; }
    void on_subscribed() noexcept { ++world->subscribed; }
    void on_unsubscribed(std::size_t count) noexcept { world->subscribed -= count; }
    void on_delivered(MessageType type, std::size_t count) { world->delivered[type] += count; }
    void on_conflated(std::size_t count) noexcept { world->conflated += count; }
    void on_dropped(std::size_t count) noexcept { world->dropped += count; }
    void on_error(ErrorCode code) { ++world->errors[code]; }
  };

  Authenticator authenticator;
  Authorizer authorizer;
  OrderSource orders;
  Observer observer;
  ManualClock clock;

 private:
  std::shared_ptr<World> world_;
};

}  // namespace ordercast::test
