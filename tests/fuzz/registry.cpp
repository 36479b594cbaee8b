// SPDX-License-Identifier: MIT
// The subscription registry against maps of sets, in any sequence of calls.
#include "fuzz/fuzz.hpp"
#include "support/naive_registry.hpp"
#include <ordercast/subscription_registry.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)

/// Few values of each, so that they meet; the empty id and the longest are among them.
std::string pick_id(Choices& choices, const char* kind, unsigned values = 12) {
  const auto number = choices.below(values);
  if (number == 0) return {};
  if (number == 1) return std::string(max_order_id_bytes, kind[0]);
  return kind + std::to_string(number);
}

Identity pick_identity(Choices& choices) {
  const auto role = static_cast<Role>(choices.below(6));
  auto user = pick_id(choices, "u");
  return {user, role, has_organization(role) ? pick_id(choices, "org") : std::string{}};
}

template <class Visit>
std::vector<int> sorted(Visit visit) {
  std::vector<int> found;
  visit([&](int handle) { found.push_back(handle); });
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  SubscriptionRegistry<int, int> registry;
  test::NaiveRegistry model;
  while (!choices.empty()) {
    const auto call = choices.below(8);
    const auto handle = static_cast<int>(choices.below(20));
    switch (call) {
      case 0:
      case 1: {
        const auto who = pick_identity(choices);
        require(registry.connect(handle, who) == model.connect(handle, who), "connect");
        break;
      }
      case 2:
        require(registry.disconnect(handle) == model.disconnect(handle), "disconnect");
        break;
      case 3:
      case 4: {
        const auto order = pick_id(choices, "o", 40);
        const bool added = registry.subscribe(handle, order);
        require(added == model.subscribe(handle, order), "subscribe");
        if (added) *registry.find_subscription(handle, order) = handle;
        break;
      }
      case 5: {
        const auto order = pick_id(choices, "o", 40);
        require(registry.unsubscribe(handle, order) == model.unsubscribe(handle, order),
                "unsubscribe");
        break;
      }
      case 6: {
        const auto order = pick_id(choices, "o", 40);
        std::vector<int> found;
        registry.for_each_subscriber(order, [&](int one, const int& state) {
          require(state == one, "the state stays beside its subscription");
          found.push_back(one);
        });
        std::sort(found.begin(), found.end());
        require(found == model.subscribers(order), "subscribers");
        require(registry.subscribers_of(order) == found.size(), "subscribers_of");
        break;
      }
      default: {
        const auto owner = pick_id(choices, "u");
        const auto organization = pick_id(choices, "org");
        const OrderEvent event{"o", owner, organization, "READY", 1, "{}"};
        const auto watchers =
            sorted([&](auto f) { registry.for_each_list_watcher(event, std::move(f)); });
        require(watchers == model.watchers(event), "list watchers, each once");
        require(registry.has_list_watcher(event) == !watchers.empty(), "has_list_watcher");
        const auto tabs = sorted([&](auto f) { registry.for_each_connection_of(owner, f); });
        require(tabs.size() == registry.connections_of(owner), "connections_of");
        for (const int tab : tabs) require(model.who.at(tab).user_id == owner, "a user's own");
      }
    }
    require(registry.connection_count() == model.who.size(), "connection_count");
    require(registry.subscription_count() == model.held.size(), "subscription_count");
  }
  const auto connected = sorted([&](auto f) { registry.for_each_connection(f); });
  require(connected.size() == model.who.size(), "for_each_connection");
  for (const int handle : connected) {
    const auto& who = model.who.at(handle);
    require(registry.identity(handle)->user_id == who.user_id, "identity");
    require(registry.disconnect(handle) == model.disconnect(handle), "disconnect at the end");
  }
  require(registry.empty() && registry.memory_bytes() == 0, "an empty registry holds nothing");
  return 0;
}
