// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/subscription_registry.hpp>

/// Bodies of SubscriptionRegistry. Include subscription_registry.hpp instead.
namespace ordercast {

template <class H, class S>
bool SubscriptionRegistry<H, S>::connect(H handle, const IdentityView& who) {
  assert(iterating_ == 0);
  if (is_connected(handle)) return false;
  // Who works for no organisation watches no list: two empty ids don't meet (see `may_watch`).
  const bool member = has_organization(who.role) && !who.organization_id.empty();

  // Everything that may throw comes first and is undone by the guard; then links are made.
  connection_index_.reserve_one();
  const auto user = find_or_add_user(who.user_id);
  std::uint32_t organization = npos;
  std::uint32_t id = npos;
  try {
    if (member) organization = find_or_add_organization(who.organization_id);
    if (auto* staff = staff_list(who.role, organization)) {
      staff->push_back({handle, npos, user});
      try {
        id = connections_.acquire();
      } catch (...) {
        staff->pop_back();
        throw;
      }
      staff->back().connection = id;
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
  connection.role = who.role;
  if (const auto* staff = staff_list(who.role, organization)) {
    connection.staff_position = static_cast<std::uint32_t>(staff->size() - 1);
  }
  User& owner = users_[user];
  connection.user_next = owner.first_connection;
  if (owner.first_connection != npos) connections_[owner.first_connection].user_prev = id;
  owner.first_connection = id;
  ++owner.connections;
  connection_index_.insert(handle_hash(handle), id);
  return true;
}

template <class H, class S>
std::size_t SubscriptionRegistry<H, S>::disconnect(H handle) noexcept {
  assert(iterating_ == 0);
  const auto id = find_connection(handle);
  if (id == npos) return 0;
  Connection& connection = connections_[id];
  const std::size_t held = connection.subscriptions;
  while (connection.first_edge != npos) remove_edge(connection.first_edge);

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
  remove_staff(connection);

  const auto user_id = connection.user;
  const auto organization = connection.organization;
  connection_index_.erase(handle_hash(handle), id);
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
  if (find_edge(connection_id, find_topic(order_id)) != npos) return false;

  edge_index_.reserve_one();
  const auto topic_id = find_or_add_topic(order_id);
  Topic& topic = topics_[topic_id];
  std::uint32_t id = npos;
  try {
    topic.subscribers.push_back({handle, npos, S{}});
    try {
      id = edges_.acquire();
    } catch (...) {
      topic.subscribers.pop_back();
      throw;
    }
  } catch (...) {
    release_topic_if_unused(topic_id);
    throw;
  }

  Connection& connection = connections_[connection_id];
  Edge& edge = edges_[id];
  edge.connection = connection_id;
  edge.topic = topic_id;
  edge.position = static_cast<std::uint32_t>(topic.subscribers.size() - 1);
  edge.next = connection.first_edge;
  if (connection.first_edge != npos) edges_[connection.first_edge].prev = id;
  connection.first_edge = id;
  ++connection.subscriptions;
  topic.subscribers.back().edge = id;
  edge_index_.insert(edge_hash(connection_id, topic_id), id);
  return true;
}

template <class H, class S>
bool SubscriptionRegistry<H, S>::unsubscribe(H handle, std::string_view order_id) noexcept {
  assert(iterating_ == 0);
  const auto edge = find_edge(find_connection(handle), find_topic(order_id));
  if (edge == npos) return false;
  remove_edge(edge);
  return true;
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_subscriber(std::string_view order_id, F&& f) {
  const auto topic = find_topic(order_id);
  if (topic == npos) return;
  const IterationGuard guard(iterating_);
  for (auto& entry : topics_[topic].subscribers) {
    if constexpr (std::is_invocable_v<F&, H, S&>) {
      f(entry.handle, entry.state);
    } else {
      f(entry.handle);
    }
  }
}

template <class H, class S>
template <class F>
void SubscriptionRegistry<H, S>::for_each_list_watcher(const OrderEvent& event, F&& f) const {
  const IterationGuard guard(iterating_);
  const auto owner = find_owner(event);
  if (owner != npos) {
    for (auto id = users_[owner].first_connection; id != npos; id = connections_[id].user_next) {
      f(connections_[id].handle);
    }
  }
  // The owner may be staff as well; those connections were visited above.
  const auto visit = [&](const std::vector<StaffMember>& staff) {
    for (const auto& member : staff) {
      if (member.user != owner) f(member.handle);
    }
  };
  visit(super_admins_);
  const auto organization = find_organization(event.organization_id);
  if (organization != npos) visit(organizations_[organization].staff);
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
void SubscriptionRegistry<H, S>::for_each_connection(F&& f) const {
  const IterationGuard guard(iterating_);
  for (std::uint32_t id = 0; id < connections_.end_id(); ++id) {
    if (connections_[id].user != npos) f(connections_[id].handle);
  }
}

template <class H, class S>
std::optional<IdentityView> SubscriptionRegistry<H, S>::identity(H handle) const noexcept {
  const auto id = find_connection(handle);
  if (id == npos) return std::nullopt;
  const Connection& connection = connections_[id];
  return IdentityView{users_[connection.user].id, connection.role,
                      connection.organization == npos
                          ? std::string_view{}
                          : std::string_view(organizations_[connection.organization].id)};
}

template <class H, class S>
std::size_t SubscriptionRegistry<H, S>::memory_bytes() const noexcept {
  return connections_.memory_bytes() + topics_.memory_bytes() + edges_.memory_bytes() +
         users_.memory_bytes() + organizations_.memory_bytes() + connection_index_.memory_bytes() +
         topic_index_.memory_bytes() + edge_index_.memory_bytes() + user_index_.memory_bytes() +
         organization_index_.memory_bytes();
}

template <class H, class S>
std::uint32_t SubscriptionRegistry<H, S>::find_or_add_topic(std::string_view order_id) {
  if (const auto found = find_topic(order_id); found != npos) return found;
  std::string text(order_id);
  topic_index_.reserve_one();
  const auto id = topics_.acquire();
  topics_[id].order_id = std::move(text);
  topic_index_.insert(text_hash(order_id), id);
  return id;
}

template <class H, class S>
std::uint32_t SubscriptionRegistry<H, S>::find_or_add_user(std::string_view user_id) {
  if (const auto found = find_user(user_id); found != npos) return found;
  std::string text(user_id);
  user_index_.reserve_one();
  const auto id = users_.acquire();
  users_[id].id = std::move(text);
  user_index_.insert(text_hash(user_id), id);
  return id;
}

template <class H, class S>
std::uint32_t SubscriptionRegistry<H, S>::find_or_add_organization(std::string_view organization) {
  if (const auto found = find_organization(organization); found != npos) return found;
  std::string text(organization);
  organization_index_.reserve_one();
  const auto id = organizations_.acquire();
  organizations_[id].id = std::move(text);
  organization_index_.insert(text_hash(organization), id);
  return id;
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_topic_if_unused(std::uint32_t topic) noexcept {
  if (!topics_[topic].subscribers.empty()) return;
  topic_index_.erase(text_hash(std::string_view(topics_[topic].order_id)), topic);
  topics_.release(topic);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_user_if_unused(std::uint32_t user) noexcept {
  if (users_[user].connections != 0) return;
  user_index_.erase(text_hash(std::string_view(users_[user].id)), user);
  users_.release(user);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::release_organization_if_unused(
    std::uint32_t organization) noexcept {
  if (!organizations_[organization].staff.empty()) return;
  organization_index_.erase(text_hash(std::string_view(organizations_[organization].id)),
                            organization);
  organizations_.release(organization);
}

template <class H, class S>
auto SubscriptionRegistry<H, S>::staff_list(Role role, std::uint32_t organization) noexcept
    -> std::vector<StaffMember>* {
  if (role == Role::super_admin) return &super_admins_;
  return organization == npos ? nullptr : &organizations_[organization].staff;
}

template <class H, class S>
void SubscriptionRegistry<H, S>::remove_edge(std::uint32_t id) noexcept {
  const Edge edge = edges_[id];
  Connection& connection = connections_[edge.connection];
  if (edge.prev != npos) {
    edges_[edge.prev].next = edge.next;
  } else {
    connection.first_edge = edge.next;
  }
  if (edge.next != npos) edges_[edge.next].prev = edge.prev;
  --connection.subscriptions;

  auto& subscribers = topics_[edge.topic].subscribers;
  if (edge.position + 1 != subscribers.size()) {
    subscribers[edge.position] = std::move(subscribers.back());
    edges_[subscribers[edge.position].edge].position = edge.position;
  }
  subscribers.pop_back();
  edge_index_.erase(edge_hash(edge.connection, edge.topic), id);
  edges_.release(id);
  release_topic_if_unused(edge.topic);
}

template <class H, class S>
void SubscriptionRegistry<H, S>::remove_staff(const Connection& connection) noexcept {
  auto* staff = staff_list(connection.role, connection.organization);
  if (staff == nullptr) return;
  const auto position = connection.staff_position;
  if (position + 1 != staff->size()) {
    (*staff)[position] = std::move(staff->back());
    connections_[(*staff)[position].connection].staff_position = position;
  }
  staff->pop_back();
  if (staff->empty()) std::vector<StaffMember>().swap(*staff);
}

}  // namespace ordercast
