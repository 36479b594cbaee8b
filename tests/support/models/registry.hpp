// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/naive_registry.hpp"
#include <ordercast/subscription_registry.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The subscription registry against maps of sets. Phases fill it, drain it to one or to nothing
/// and fill it again; popular orders and connections that watch much pass every size at which the
/// registry changes its way (16 scanned, 24 fetched ahead, 256 records a chunk) in both directions.
namespace ordercast::test {

template <class Source>
class RegistryRun {
 public:
  explicit RegistryRun(Source& source) : source_(source) {}

  void run() {
    while (!source_.empty()) {
      step();
      same(registry_.connection_count() == model_.who.size(), "connection_count");
      same(registry_.subscription_count() == model_.held.size(), "subscription_count");
    }
    for (const int handle : connected()) {
      same(registry_.identity(handle)->user_id == model_.who.at(handle).user_id, "identity");
    }
    disconnect_to(0);
    // Room that was made for a call that failed goes with the next connection.
    registry_.connect(1, {"u2", Reach::organization, "org2"});
    registry_.subscribe(1, "o2");
    registry_.disconnect(1);
    same(registry_.empty() && registry_.memory_bytes() == 0, "an empty registry holds nothing");
  }

 private:
  static constexpr unsigned handles = 600;
  static constexpr unsigned orders = 600;

  struct Thrown : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// The empty id and the longest are among them.
  static std::string id(const char* kind, unsigned number) {
    if (number == 0) return {};
    if (number == 1) return std::string(max_order_id_bytes, kind[0]);
    return kind + std::to_string(number);
  }
  std::string pick_order() { return id("o", source_.below(source_.below(2) == 0 ? 4 : orders)); }
  int pick_handle() { return static_cast<int>(source_.below(source_.below(2) == 0 ? 4 : handles)); }
  Identity pick_identity() {
    const auto kind = source_.below(6);
    const auto reach = kind == 0 ? Reach::everything : kind == 5 ? Reach::own : Reach::organization;
    return {id("u", source_.below(12)), reach,
            reach == Reach::organization ? id("org", source_.below(12)) : std::string{}};
  }

  void step() {
    switch (source_.below(11)) {
      case 0:
        connect(pick_handle(), pick_identity());
        break;
      case 1:
        disconnect(pick_handle());
        break;
      case 2:
        subscribe(pick_handle(), pick_order());
        break;
      case 3:
        unsubscribe(pick_handle(), pick_order());
        break;
      case 4: {  // Many connect.
        const auto who = pick_identity();
        range(handles, [&](unsigned handle) { connect(static_cast<int>(handle), who); });
        break;
      }
      case 5: {  // An order becomes popular.
        const auto order = pick_order();
        range(handles, [&](unsigned handle) { subscribe(static_cast<int>(handle), order); });
        break;
      }
      case 6: {  // A connection watches much.
        const int handle = pick_handle();
        range(orders, [&](unsigned number) { subscribe(handle, id("o", number)); });
        break;
      }
      case 7: {  // Much is left, but each nth; or an order loses its watchers.
        const auto nth = source_.below(6);
        const int handle = pick_handle();
        const auto order = pick_order();
        const bool one_order = source_.below(2) == 0;
        range(one_order ? handles : orders, [&](unsigned at) {
          if (nth != 0 && at % nth == 0) return;
          if (one_order) unsubscribe(static_cast<int>(at), order);
          if (!one_order) unsubscribe(handle, id("o", at));
        });
        break;
      }
      case 8:
        disconnect_to(source_.below(3));
        break;
      case 9:
        check_order(pick_order());
        break;
      default:
        check_watchers(id("u", source_.below(12)), id("org", source_.below(12)),
                       id("u", source_.below(24)));
    }
  }

  template <class F>
  void range(unsigned bound, F f) {
    const auto first = source_.below(bound);
    const auto count = 1 + source_.below(120);
    for (unsigned i = 0; i < count; ++i) f((first + i) % bound);
  }

  void connect(int handle, const Identity& who) {
    bool added = false;
    if (attempt(source_, [&] { added = registry_.connect(handle, who); })) {
      same(added == model_.connect(handle, who), "connect");
    }
  }
  void disconnect(int handle) {
    std::size_t dropped = 0;
    same(attempt(source_, [&] { dropped = registry_.disconnect(handle); }), "it can't fail");
    same(dropped == model_.disconnect(handle), "disconnect");
  }
  void disconnect_to(std::size_t most) {
    while (model_.who.size() > most) {
      disconnect(source_.below(2) == 0 ? model_.who.begin()->first : model_.who.rbegin()->first);
    }
  }
  void subscribe(int handle, const std::string& order) {
    bool added = false;
    if (!attempt(source_, [&] { added = registry_.subscribe(handle, order); })) return;
    same(added == model_.subscribe(handle, order), "subscribe");
    if (added) *registry_.find_subscription(handle, order) = handle;
  }
  void unsubscribe(int handle, const std::string& order) {
    bool left = false;
    same(attempt(source_, [&] { left = registry_.unsubscribe(handle, order); }), "it can't fail");
    same(left == model_.unsubscribe(handle, order), "unsubscribe");
  }

  template <class Visit>
  static std::vector<int> sorted(Visit visit) {
    std::vector<int> found;
    visit([&](int handle) { found.push_back(handle); });
    std::sort(found.begin(), found.end());
    return found;
  }
  std::vector<int> connected() {
    auto found = sorted([&](auto f) { registry_.for_each_connection(f); });
    same(found.size() == model_.who.size(), "for_each_connection");
    return found;
  }
  void check_order(const std::string& order) {
    std::vector<int> found;
    // A visitor that throws leaves all as it is.
    const auto most = source_.below(4) == 0 ? source_.below(40) : handles;
    try {
      registry_.for_each_subscriber(order, [&](int one, const int& state) {
        same(state == one, "the state stays beside its subscription");
        if (found.size() >= most) throw Thrown("a visitor");
        found.push_back(one);
      });
    } catch (const Thrown&) {
      found.clear();
      registry_.for_each_subscriber(order, [&](int one) { found.push_back(one); });
    }
    std::sort(found.begin(), found.end());
    same(found == model_.subscribers(order), "subscribers");
    same(registry_.subscribers_of(order) == found.size(), "subscribers_of");
  }
  void check_watchers(const std::string& owner, const std::string& organization,
                      const std::string& assignee) {
    const OrderEvent event{"o", OwnerId(owner), OrganizationId(organization), "READY",
                           1,   "{}",           AssigneeId(assignee)};
    const auto watchers =
        sorted([&](auto f) { registry_.for_each_list_watcher(event, std::move(f)); });
    same(watchers == model_.watchers(event), "list watchers, each once");
    same(registry_.has_list_watcher(event) == !watchers.empty(), "has_list_watcher");
    const auto tabs = sorted([&](auto f) { registry_.for_each_connection_of(owner, f); });
    same(tabs.size() == registry_.connections_of(owner), "connections_of");
    for (const int tab : tabs) same(model_.who.at(tab).user_id == owner, "a user's own");
  }

  Source& source_;
  SubscriptionRegistry<int, int> registry_;
  NaiveRegistry model_;
};

}  // namespace ordercast::test
