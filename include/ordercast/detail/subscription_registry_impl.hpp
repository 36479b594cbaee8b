// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/subscription_registry.hpp>

#include <algorithm>

/// Bodies of SubscriptionRegistry. Include subscription_registry.hpp instead.
namespace ordercast {

template <class H, class S>
bool SubscriptionRegistry<H, S>::connect(H handle, const IdentityView& who) {
  assert(iterating_ == 0);
  if (is_connected(handle)) return false;
  // An organization without an id has no members: two empty ids never match (see `may_watch`).
  const bool of_organization = who.reach == Reach::organization && !who.organization_id.empty();

  // First everything that may throw, undone by the guard; then the links.
  connection_index_.reserve(handle);
  const auto user = find_or_add_user(who.user_id);
  std::uint32_t organization = npos;
  std::uint32_t id = npos;
  try {
    if (of_organization) organization = find_or_add_organization(who.organization_id);
    if (auto* members = member_list(who.reach, organization)) {
      members->push_back({handle, npos, user});
      const bool is_first_all_seeing = members == &all_seeing_ && members->size() == 1;
      try {
        if (is_first_all_seeing) interest_.add(Interest::Kind::everything, {});
        id = connections_.acquire();
      } catch (...) {
        if (is_first_all_seeing) interest_.remove(Interest::Kind::everything, {});
        members->pop_back();
        throw;
      }
      members->back().connection = id;
    } else {
      id = connections_.acquire();
    }
  } catch (...) {
    if (organization != npos) release_organization_if_unused(organization);
    release_user_if_unused(user);
    throw;
  }

  Connection& connection = connections_[id];
  connection.handle = handle;
  connection.user = user;
  connection.organization = organization;
  connection.reach = who.reach;
  if (const auto* members = member_list(who.reach, organization)) {
    connection.member_position = static_cast<std::uint32_t>(members->size() - 1);
  }
  User& owner = users_[user];
  connection.user_next = owner.first_connection;
  if (owner.first_connection != npos) connections_[owner.first_connection].user_prev = id;
  owner.first_connection = id;
  ++owner.connections;
  connection_index_.insert(handle, id);
  return true;
}

template <class H, class S>
std::size_t SubscriptionRegistry<H, S>::disconnect(H handle) noexcept {
  assert(iterating_ == 0);
  const auto id = find_connection(handle);
  if (id == npos) return 0;
  Connection& connection = connections_[id];
  const std::size_t held = connection.places.size();
  while (!connection.places.empty()) remove_place(id, connection.places.size() - 1);

  User& user = users_[connection.user];
  if (connection.user_prev != npos) {
    connections_[connection.user_prev].user_next = connection.user_next;
  } else {
    user.first_connection = connection.user_next;
  }
  if (connection.user_next != npos) {
    connections_[connection.user_next].user_prev = connection.user_prev;
  }
  --user.connections;
  remove_member(connection);

  const auto user_id = connection.user;
  const auto organization = connection.organization;
  connection_index_.erase(handle, id);
  connections_.release(id);
  release_user_if_unused(user_id);
  if (organization != npos) release_organization_if_unused(organization);
  return held;
}

template <class H, class S>
bool SubscriptionRegistry<H, S>::subscribe(H handle, std::string_view order_id) {
  assert(iterating_ == 0);
  const auto connection_id = find_connection(handle);
  if (connection_id == npos) return false;
  const auto known = find_topic(order_id);
  if (known != npos && find_place_number(connection_id, known) != npos) return false;

  Connection& connection = connections_[connection_id];
  const auto topic_id = known != npos ? known : add_topic(order_id);
  Topic& topic = topics_[topic_id];
  const bool to_index = !connection.indexed && connection.places.size() == most_scanned;
  try {
    topic.subscribers.reserve_one();
    connection.places.reserve_one();
    if (connection.indexed) place_index_.reserve(1);
    if (to_index) place_index_.reserve(most_scanned + 1);
  } catch (...) {
    release_topic_if_unused(topic_id);
    throw;
  }

  const auto number = connection.places.size();
  connection.places.push_back({topic_id, topic.subscribers.size()});
  topic.subscribers.push_back({{}, handle, number});
  if (connection.indexed) place_index_.insert(place_hash(connection_id, topic_id), number);
  if (to_index) index_places(connection_id);
  ++subscriptions_;
  return true;
}

template <class H, class S>
bool SubscriptionRegistry<H, S>::unsubscribe(H handle, std::string_view order_id) noexcept {
  assert(iterating_ == 0);
  const auto topic = find_topic(order_id);
  const auto connection = topic == npos ? npos : find_connection(handle);
  const auto number = connection == npos ? npos : find_place_number(connection, topic);
  if (number == npos) return false;
  remove_place(connection, number);
  return true;
}

template <class H, class S>
template <class F, class Ahead, class Soon>
void SubscriptionRegistry<H, S>::for_each_subscriber(std::string_view order_id, F&& f,
                                                     Ahead&& ahead, Soon&& soon) {
  constexpr std::uint32_t steps_ahead = 24;
  constexpr std::uint32_t steps_soon = 8;
  const auto topic = find_topic(order_id);
  if (topic == npos) return;
  const IterationGuard guard(iterating_);
  auto& subscribers = topics_[topic].subscribers;
  Subscriber* const first = subscribers.begin();
  const std::uint32_t count = subscribers.size();
  for (std::uint32_t i = 0; i < (std::min)(count, steps_ahead); ++i) ahead(first[i].handle);
  for (std::uint32_t i = 0; i < (std::min)(count, steps_soon); ++i) soon(first[i].handle);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + steps_ahead < count) ahead(first[i + steps_ahead].handle);
    if (i + steps_soon < count) soon(first[i + steps_soon].handle);
    if constexpr (std::is_invocable_v<F&, H, S&>) {
      f(first[i].handle, first[i].state());
    } else {
      f(first[i].handle);
    }
  }
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_list_watcher(const OrderEvent& event, F&& f) const {
  const IterationGuard guard(iterating_);
  const auto visit_user = [&](std::uint32_t user) {
    if (user == npos) return;
    for (auto id = users_[user].first_connection; id != npos; id = connections_[id].user_next) {
      f(connections_[id].handle);
    }
  };
  const auto owner = find_party(event.owner.view());
  auto assignee = find_party(event.assignee.view());
  if (assignee == owner) assignee = npos;
  visit_user(owner);
  visit_user(assignee);
  // Owner and assignee may also be members; those connections have been visited above.
  const auto visit = [&](const std::vector<MemberConnection>& members) {
    for (const auto& member : members) {
      if (member.user != owner && member.user != assignee) f(member.handle);
    }
  };
  visit(all_seeing_);
  const auto organization = find_organization(event.organization.view());
  if (organization != npos) visit(organizations_[organization].members);
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_connection_of(std::string_view user_id, F&& f) const {
  const auto user = find_user(user_id);
  if (user == npos) return;
  const IterationGuard guard(iterating_);
  for (auto id = users_[user].first_connection; id != npos; id = connections_[id].user_next) {
    f(connections_[id].handle);
  }
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_member_of(std::string_view organization_id, F&& f) const {
  const auto organization = find_organization(organization_id);
  if (organization == npos) return;
  const IterationGuard guard(iterating_);
  for (const auto& member : organizations_[organization].members) f(member.handle);
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_connection(F&& f) const {
  const IterationGuard guard(iterating_);
  for (std::uint32_t id = 0; id < connections_.end_id(); ++id) {
    if (connections_[id].user != npos) f(connections_[id].handle);
  }
}

template <class H, class S>
template <class F>
std::uint32_t SubscriptionRegistry<H, S>::for_each_order(std::uint32_t from, std::uint32_t most,
                                                         F&& f) const {
  const IterationGuard guard(iterating_);
  return topics_.visit(from, most, [&](const Topic& topic) {
    if (!topic.subscribers.empty()) f(topic.order_id.view());
  });
}

template <class H, class S>
template <class F>
std::uint32_t SubscriptionRegistry<H, S>::for_each_user(std::uint32_t from, std::uint32_t most,
                                                        F&& f) const {
  const IterationGuard guard(iterating_);
  return users_.visit(from, most, [&](const User& user) {
    if (user.connections != 0) f(user.id.view());
  });
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_organization(F&& f) const {
  const IterationGuard guard(iterating_);
  for (std::uint32_t id = 0; id < organizations_.end_id(); ++id) {
    if (!organizations_[id].members.empty()) f(organizations_[id].id.view());
  }
}

template <class H, class S>
std::optional<IdentityView> SubscriptionRegistry<H, S>::identity(H handle) const noexcept {
  const auto id = find_connection(handle);
  if (id == npos) return std::nullopt;
  const Connection& connection = connections_[id];
  return IdentityView{users_[connection.user].id.view(), connection.reach,
                      connection.organization == npos
                          ? std::string_view{}
                          : organizations_[connection.organization].id.view()};
}

template <class H, class S>
std::size_t SubscriptionRegistry<H, S>::memory_bytes() const noexcept {
  return connections_.memory_bytes() + topics_.memory_bytes() + users_.memory_bytes() +
         organizations_.memory_bytes() + connection_index_.memory_bytes() +
         topic_index_.memory_bytes() + place_index_.memory_bytes() + user_index_.memory_bytes() +
         organization_index_.memory_bytes();
}

template <class H, class S>
std::uint32_t SubscriptionRegistry<H, S>::find_place_number(std::uint32_t connection,
                                                            std::uint32_t topic) const noexcept {
  const auto& places = connections_[connection].places;
  if (connections_[connection].indexed) {
    // An entry of another connection under the same hash differs by topic, or gives the right
    // number anyway.
    return place_index_.find(place_hash(connection, topic), [&](std::uint32_t number) {
      return number < places.size() && places[number].topic == topic;
    });
  }
  const auto* const found = std::find_if(places.begin(), places.end(),
                                         [&](const Place& one) { return one.topic == topic; });
  return found == places.end() ? npos : static_cast<std::uint32_t>(found - places.begin());
}

template <class H, class S>
auto SubscriptionRegistry<H, S>::find_place(const H& handle, std::uint32_t topic) const noexcept
    -> Place {
  const auto connection = topic == npos ? npos : find_connection(handle);
  const auto number = connection == npos ? npos : find_place_number(connection, topic);
  return number == npos ? Place{} : connections_[connection].places[number];
}

template <class H, class S>
template <class Record, class Member>
std::uint32_t SubscriptionRegistry<H, S>::add_named(detail::Slab<Record>& records,
                                                    detail::FlatIndex& index, Member name,
                                                    Interest::Kind kind, std::string_view text) {
  detail::IdText owned(text);
  index.reserve(1);
  const auto id = records.acquire();
  try {
    interest_.add(kind, text);
  } catch (...) {
    records.release(id);
    throw;
  }
  records[id].*name = std::move(owned);
  index.insert(text_hash(text), id);
  return id;
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_topic_if_unused(std::uint32_t topic) noexcept {
  if (!topics_[topic].subscribers.empty()) return;
  interest_.remove(Interest::Kind::order, topics_[topic].order_id.view());
  topic_index_.erase(text_hash(topics_[topic].order_id.view()), topic);
  topics_.release(topic);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_user_if_unused(std::uint32_t user) noexcept {
  if (users_[user].connections != 0) return;
  interest_.remove(Interest::Kind::user, users_[user].id.view());
  user_index_.erase(text_hash(users_[user].id.view()), user);
  users_.release(user);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_organization_if_unused(
    std::uint32_t organization) noexcept {
  if (!organizations_[organization].members.empty()) return;
  interest_.remove(Interest::Kind::organization, organizations_[organization].id.view());
  organization_index_.erase(text_hash(organizations_[organization].id.view()), organization);
  organizations_.release(organization);
}

/// Their room has been reserved.
template <class H, class S>
void SubscriptionRegistry<H, S>::index_places(std::uint32_t connection) noexcept {
  connections_[connection].indexed = true;
  std::uint32_t number = 0;
  for (const Place& place : connections_[connection].places) {
    place_index_.insert(place_hash(connection, place.topic), number++);
  }
}

template <class H, class S>
void SubscriptionRegistry<H, S>::unindex_places(std::uint32_t connection) noexcept {
  connections_[connection].indexed = false;
  std::uint32_t number = 0;
  for (const Place& place : connections_[connection].places) {
    place_index_.erase(place_hash(connection, place.topic), number++);
  }
}

/// Removes a subscription. The last one of its connection and of its topic move into the gaps.
template <class H, class S>
void SubscriptionRegistry<H, S>::remove_place(std::uint32_t connection,
                                              std::uint32_t number) noexcept {
  Connection& owner = connections_[connection];
  auto& places = owner.places;
  const Place place = places[number];
  remove_subscriber(place);

  if (owner.indexed) place_index_.erase(place_hash(connection, place.topic), number);
  const std::uint32_t last = places.size() - 1;
  if (number != last) {
    const Place moved = places[number] = places[last];
    topics_[moved.topic].subscribers[moved.position].place = number;
    if (owner.indexed) place_index_.replace(place_hash(connection, moved.topic), last, number);
  }
  places.pop_back();
  // Well below the threshold, so that one order that comes and goes doesn't rebuild the index each
  // time.
  if (owner.indexed && places.size() <= most_scanned / 2) unindex_places(connection);
  --subscriptions_;
  release_topic_if_unused(place.topic);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::remove_subscriber(Place place) noexcept {
  auto& subscribers = topics_[place.topic].subscribers;
  if (place.position + 1 != subscribers.size()) {
    Subscriber& moved = subscribers[place.position];
    moved = std::move(subscribers.back());
    connections_[find_connection(moved.handle)].places[moved.place].position = place.position;
  }
  subscribers.pop_back();
}

template <class H, class S>
void SubscriptionRegistry<H, S>::remove_member(const Connection& connection) noexcept {
  auto* members = member_list(connection.reach, connection.organization);
  if (members == nullptr) return;
  const auto position = connection.member_position;
  if (position + 1 != members->size()) {
    (*members)[position] = std::move(members->back());
    connections_[(*members)[position].connection].member_position = position;
  }
  members->pop_back();
  if (!members->empty()) return;
  std::vector<MemberConnection>().swap(*members);
  if (members == &all_seeing_) interest_.remove(Interest::Kind::everything, {});
}

}  // namespace ordercast
