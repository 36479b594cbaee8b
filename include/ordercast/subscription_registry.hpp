// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/handle_index.hpp>
#include <ordercast/detail/hash.hpp>
#include <ordercast/detail/id_text.hpp>
#include <ordercast/detail/interest.hpp>
#include <ordercast/detail/slab.hpp>
#include <ordercast/detail/small_list.hpp>
#include <ordercast/types.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Who is connected and who watches what: three maps (order -> subscribers, user -> connections,
/// organization -> members), indexed in both directions.
///
/// No I/O, no clock, no JSON. One thread at a time; with several I/O threads use a registry for
/// each (sharded.hpp). Look-ups take `string_view` and never allocate. Iteration runs over dense
/// memory, in no particular order; the callback must not change the registry (asserted).
///
///     SubscriptionRegistry<int> registry;
///     registry.connect(7, {"alice", Reach::own});
///     registry.subscribe(7, "order-1");
///     registry.for_each_subscriber("order-1", [](int handle) { /* send */ });
namespace ordercast {

/// The empty state of a subscription.
struct NoState {};

namespace detail {

/// A base class that holds a value; an empty type takes no space.
template <class T, bool = std::is_empty_v<T> && !std::is_final_v<T>>
struct StateHolder {
  T value{};
  [[nodiscard]] T& state() noexcept { return value; }
  [[nodiscard]] const T& state() const noexcept { return value; }
};
template <class T>
struct StateHolder<T, true> : T {
  [[nodiscard]] T& state() noexcept { return *this; }
  [[nodiscard]] const T& state() const noexcept { return *this; }
};

}  // namespace detail

/// `ClientHandle`: regular, hashable with `std::hash`, cheap to copy. `State`: a value stored with
/// each subscription, in the same dense memory (default-constructed by `subscribe`).
template <class ClientHandle, class State = NoState>
class SubscriptionRegistry {
 public:
  SubscriptionRegistry() = default;
  SubscriptionRegistry(const SubscriptionRegistry&) = delete;
  SubscriptionRegistry& operator=(const SubscriptionRegistry&) = delete;
  SubscriptionRegistry(SubscriptionRegistry&&) = delete;
  SubscriptionRegistry& operator=(SubscriptionRegistry&&) = delete;
  ~SubscriptionRegistry() = default;

  /// From now on keeps `interest` up to date with who is here, and adds those who already are. May
  /// throw std::bad_alloc.
  void share_interest(detail::ShardInterest interest) {
    assert(iterating_ == 0);
    using Kind = Interest::Kind;
    interest_ = std::move(interest);
    for_each_order(0, npos, [&](std::string_view id) { interest_.add(Kind::order, id); });
    for_each_user(0, npos, [&](std::string_view id) { interest_.add(Kind::user, id); });
    for_each_organization([&](std::string_view id) { interest_.add(Kind::organization, id); });
    if (has_all_seeing()) interest_.add(Kind::everything, {});
  }

  /// Adds a connection. Returns false if the handle is already connected. Amortized O(1); strong
  /// guarantee.
  bool connect(ClientHandle handle, const IdentityView& who);

  /// Removes a connection and its subscriptions. Returns how many it had; 0 for an unknown handle.
  /// O(its subscriptions).
  std::size_t disconnect(ClientHandle handle) noexcept;

  /// Returns false if the handle is unknown or already subscribed. Amortized O(1); strong
  /// guarantee.
  bool subscribe(ClientHandle handle, std::string_view order_id);

  /// Returns false if there was no such subscription. Expected O(1).
  bool unsubscribe(ClientHandle handle, std::string_view order_id) noexcept;

  /// Calls `f(handle)` or `f(handle, State&)` for each subscriber of the order.
  template <class F>
  void for_each_subscriber(std::string_view order_id, F&& f) {
    const auto nothing = [](const ClientHandle&) {};
    for_each_subscriber(order_id, std::forward<F>(f), nothing, nothing);
  }
  /// The same. Calls `ahead(handle)` some steps before `f`, and `soon(handle)` a few steps before,
  /// to prefetch what `f` will touch and what that points to.
  template <class F, class Ahead, class Soon>
  void for_each_subscriber(std::string_view order_id, F&& f, Ahead&& ahead, Soon&& soon);

  /// Calls `f(handle)` for each connection that the change reaches (`may_watch`): the owner's, the
  /// assignee's, those whose reach is the organization, those whose reach is everything. Calls it
  /// once for each, even if several reasons apply.
  template <class F>
  void for_each_list_watcher(const OrderEvent& event, F&& f) const;

  /// Calls `f(handle)` for each connection of a user.
  template <class F>
  void for_each_connection_of(std::string_view user_id, F&& f) const;

  /// Calls `f(handle)` for each connection whose reach is that organization.
  template <class F>
  void for_each_member_of(std::string_view organization_id, F&& f) const;

  /// Calls `f(handle)` for each connection. O(connections ever open at once).
  template <class F>
  void for_each_connection(F&& f) const;

  /// Calls `f(order_id)` for each order with a subscriber among at most `most` records, starting at
  /// `from`. Returns where to continue; 0 at the end. So a caller can visit all orders in pieces,
  /// and the registry may change in between: an order that has a subscriber all the time is visited
  /// once, one that comes or goes perhaps. O(most).
  template <class F>
  std::uint32_t for_each_order(std::uint32_t from, std::uint32_t most, F&& f) const;

  /// The same for each user with a connection: `f(user_id)`.
  template <class F>
  std::uint32_t for_each_user(std::uint32_t from, std::uint32_t most, F&& f) const;

  /// Calls `f(organization_id)` for each organization that is a connection's reach. O(most
  /// organizations ever present at once).
  template <class F>
  void for_each_organization(F&& f) const;

  /// Returns true if some connection's reach is everything.
  [[nodiscard]] bool has_all_seeing() const noexcept { return !all_seeing_.empty(); }

  /// Returns true if `for_each_list_watcher` would call `f`. Expected O(1).
  [[nodiscard]] bool has_list_watcher(const OrderEvent& event) const noexcept {
    return !all_seeing_.empty() || find_party(event.owner.view()) != npos ||
           find_party(event.assignee.view()) != npos ||
           find_organization(event.organization.view()) != npos;
  }

  /// Returns the state of a subscription; null if there is none. Valid until the next change.
  [[nodiscard]] State* find_subscription(ClientHandle handle, std::string_view order_id) noexcept {
    const auto place = find_place(handle, find_topic(order_id));
    if (place.topic == npos) return nullptr;
    return &topics_[place.topic].subscribers[place.position].state();
  }

  [[nodiscard]] bool is_connected(ClientHandle handle) const noexcept {
    return find_connection(handle) != npos;
  }
  [[nodiscard]] bool is_subscribed(ClientHandle handle, std::string_view order_id) const noexcept {
    return find_place(handle, find_topic(order_id)).topic != npos;
  }
  /// Returns the identity of a connection. Borrows the registry's text until the connection is
  /// removed.
  [[nodiscard]] std::optional<IdentityView> identity(ClientHandle handle) const noexcept;

  [[nodiscard]] std::size_t subscriptions_of(ClientHandle handle) const noexcept {
    const auto id = find_connection(handle);
    return id == npos ? 0 : connections_[id].places.size();
  }
  [[nodiscard]] std::size_t subscribers_of(std::string_view order_id) const noexcept {
    const auto id = find_topic(order_id);
    return id == npos ? 0 : topics_[id].subscribers.size();
  }
  [[nodiscard]] std::size_t connections_of(std::string_view user_id) const noexcept {
    const auto id = find_user(user_id);
    return id == npos ? 0 : users_[id].connections;
  }
  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }
  [[nodiscard]] std::size_t subscription_count() const noexcept { return subscriptions_; }
  [[nodiscard]] std::size_t order_count() const noexcept { return topics_.size(); }
  [[nodiscard]] bool empty() const noexcept {
    return connections_.size() == 0 && subscriptions_ == 0 && topics_.size() == 0 &&
           users_.size() == 0 && organizations_.size() == 0 && all_seeing_.empty();
  }
  /// Bytes of the registry's tables, without long ids and the lists of orders with many
  /// subscribers. For metrics.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  using Interest = detail::Interest;
  static constexpr std::uint32_t npos = UINT32_MAX;

  /// Up to this many subscriptions of a connection are looked up by a scan, more by hash.
  static constexpr std::uint32_t most_scanned = 16;

  // Records refer to each other by slab ids, which are half the size of pointers and can't dangle.
  /// A subscription seen from its connection: the topic, and the position among its subscribers.
  struct Place {
    std::uint32_t topic = npos;
    std::uint32_t position = 0;
  };
  /// A subscription seen from its topic: the connection, and the position among its places.
  struct Subscriber : detail::StateHolder<State> {
    ClientHandle handle{};
    std::uint32_t place = npos;
  };
  struct Connection {
    ClientHandle handle{};
    std::uint32_t user = npos;
    std::uint32_t organization = npos;
    std::uint32_t user_prev = npos;
    std::uint32_t user_next = npos;
    std::uint32_t member_position = 0;
    Reach reach = Reach::own;
    bool indexed = false;  // Whether its places are in `place_index_`.
    detail::SmallList<Place, 1> places;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return user_next; }
  };
  struct Topic {
    detail::IdText order_id;
    detail::SmallList<Subscriber, 2> subscribers;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return subscribers.spare(); }
  };
  struct User {
    detail::IdText id;
    std::uint32_t first_connection = npos;
    std::uint32_t connections = 0;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return first_connection; }
  };
  /// A connection whose reach is more than its user's own orders.
  struct MemberConnection {
    ClientHandle handle{};
    std::uint32_t connection = npos;
    std::uint32_t user = npos;
  };
  struct Organization {
    detail::IdText id;
    std::vector<MemberConnection> members;
    std::uint32_t link = npos;
    [[nodiscard]] std::uint32_t& free_link() noexcept { return link; }
  };
  /// Marks an iteration, so that debug builds catch a change from inside it.
  struct IterationGuard {
    explicit IterationGuard(std::size_t& counter) noexcept : depth(counter) { ++depth; }
    IterationGuard(const IterationGuard&) = delete;
    IterationGuard& operator=(const IterationGuard&) = delete;
    IterationGuard(IterationGuard&&) = delete;
    IterationGuard& operator=(IterationGuard&&) = delete;
    ~IterationGuard() { --depth; }
    std::size_t& depth;
  };

  [[nodiscard]] std::uint64_t text_hash(std::string_view text) const noexcept {
    return detail::hash_bytes(text, seed_);
  }
  [[nodiscard]] std::uint64_t place_hash(std::uint32_t connection,
                                         std::uint32_t topic) const noexcept {
    return detail::hash_integer((std::uint64_t{connection} << 32U) | topic, seed_);
  }

  [[nodiscard]] std::uint32_t find_connection(const ClientHandle& handle) const noexcept {
    return connection_index_.find(
        handle, [&](std::uint32_t id) { return connections_[id].handle == handle; });
  }
  [[nodiscard]] std::uint32_t find_topic(std::string_view order_id) const noexcept {
    return topic_index_.find(text_hash(order_id), [&](std::uint32_t id) {
      return topics_[id].order_id.view() == order_id;
    });
  }
  [[nodiscard]] std::uint32_t find_user(std::string_view user_id) const noexcept {
    return user_index_.find(text_hash(user_id),
                            [&](std::uint32_t id) { return users_[id].id.view() == user_id; });
  }
  /// Finds the user whom an order names as owner or assignee. An empty id names nobody, not a user
  /// with an empty id.
  [[nodiscard]] std::uint32_t find_party(std::string_view user_id) const noexcept {
    return user_id.empty() ? npos : find_user(user_id);
  }
  [[nodiscard]] std::uint32_t find_organization(std::string_view id) const noexcept {
    return organization_index_.find(
        text_hash(id), [&](std::uint32_t at) { return organizations_[at].id.view() == id; });
  }
  /// Returns the number of the connection's place at this topic, or `npos`.
  [[nodiscard]] std::uint32_t find_place_number(std::uint32_t connection,
                                                std::uint32_t topic) const noexcept;
  /// Returns the connection's place at this topic; one without a topic if there is none.
  [[nodiscard]] Place find_place(const ClientHandle& handle, std::uint32_t topic) const noexcept;

  template <class Record, class Member>
  std::uint32_t add_named(detail::Slab<Record>& records, detail::FlatIndex& index, Member name,
                          Interest::Kind kind, std::string_view text);
  std::uint32_t add_topic(std::string_view order_id) {
    return add_named(topics_, topic_index_, &Topic::order_id, Interest::Kind::order, order_id);
  }
  std::uint32_t find_or_add_user(std::string_view user_id) {
    const auto found = find_user(user_id);
    if (found != npos) return found;
    return add_named(users_, user_index_, &User::id, Interest::Kind::user, user_id);
  }
  std::uint32_t find_or_add_organization(std::string_view organization) {
    const auto found = find_organization(organization);
    if (found != npos) return found;
    return add_named(organizations_, organization_index_, &Organization::id,
                     Interest::Kind::organization, organization);
  }
  void release_topic_if_unused(std::uint32_t topic) noexcept;
  void release_user_if_unused(std::uint32_t user) noexcept;
  void release_organization_if_unused(std::uint32_t organization) noexcept;
  [[nodiscard]] std::vector<MemberConnection>* member_list(Reach reach,
                                                           std::uint32_t organization) noexcept {
    if (reach == Reach::everything) return &all_seeing_;
    return organization == npos ? nullptr : &organizations_[organization].members;
  }
  void index_places(std::uint32_t connection) noexcept;
  void unindex_places(std::uint32_t connection) noexcept;
  void remove_place(std::uint32_t connection, std::uint32_t number) noexcept;
  void remove_subscriber(Place place) noexcept;
  void remove_member(const Connection& connection) noexcept;

  std::uint64_t seed_ = detail::hash_seed();
  mutable std::size_t iterating_ = 0;
  std::size_t subscriptions_ = 0;
  detail::Slab<Connection> connections_;
  detail::Slab<Topic> topics_;
  detail::Slab<User> users_;
  detail::Slab<Organization> organizations_;
  std::vector<MemberConnection> all_seeing_;  // Connections whose reach is everything.
  detail::HandleIndex<ClientHandle> connection_index_;
  detail::FlatIndex topic_index_;
  detail::FlatIndex place_index_;
  detail::FlatIndex user_index_;
  detail::FlatIndex organization_index_;
  detail::ShardInterest interest_;
};

}  // namespace ordercast

#include <ordercast/detail/subscription_registry_impl.hpp>
