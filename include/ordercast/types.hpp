// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// The vocabulary of ordercast: who is connected, what changed, who may see it.
///
/// Everything here is a plain value without I/O and clock: distinct objects may be used from any
/// thread, one object by one thread at a time. The `*View` and `OrderEvent` types borrow their text
/// and are valid only as long as that text.
namespace ordercast {

/// Whose orders a user may see. Roles belong to the application, which maps them to reaches where
/// it reads its tokens (auth/jwt_types.hpp).
enum class Reach : std::uint8_t {
  own,           ///< The orders that the user owns or is assigned to.
  organization,  ///< These, and all orders of one organization.
  everything,    ///< Every order.
};

/// The identity of a connection. Borrows its text.
struct IdentityView {
  std::string_view user_id;
  Reach reach = Reach::own;
  std::string_view organization_id = {};  ///< Empty unless the reach is `organization`.
};

/// Who a connection speaks for.
///
///     Identity{"alice"}                                  // sees her own orders
///     Identity{"sam", Reach::organization, "org-1"}      // and of those of org-1
struct Identity {
  std::string user_id;
  Reach reach = Reach::own;
  std::string organization_id = {};  ///< Empty unless the reach is `organization`.
  /// The sign-in that the token belongs to (its `sid` claim), so that a single one can be ended;
  /// empty for none.
  std::string session_id = {};

  [[nodiscard]] operator IdentityView() const noexcept {  // NOLINT(google-explicit-constructor)
    return {user_id, reach, organization_id};
  }
};

namespace detail {

/// An id with its own type, so that it can't be confused with another. Borrows its text. There is
/// no implicit conversion from text.
class NamedId {
 public:
  constexpr NamedId() noexcept = default;
  constexpr explicit NamedId(std::string_view id) noexcept : id_(id) {}
  [[nodiscard]] constexpr std::string_view view() const noexcept { return id_; }

 private:
  std::string_view id_;
};

}  // namespace detail

/// The user who owns an order. Empty: nobody.
class OwnerId : public detail::NamedId {
  using NamedId::NamedId;
};

/// The organization that an order belongs to. Empty: none.
class OrganizationId : public detail::NamedId {
  using NamedId::NamedId;
};

/// A user who is assigned to an order without owning it, such as its courier. Empty: nobody.
class AssigneeId : public detail::NamedId {
  using NamedId::NamedId;
};

/// Decides who may see an order: its owner, its assignee, users whose reach is its organization,
/// and users whose reach is everything. O(1), except for comparing ids. Two empty ids never match.
[[nodiscard]] constexpr bool may_watch(const IdentityView& who, OwnerId owner,
                                       OrganizationId organization,
                                       AssigneeId assignee = {}) noexcept {
  if (who.reach == Reach::everything) return true;
  if (!who.user_id.empty() && (who.user_id == owner.view() || who.user_id == assignee.view())) {
    return true;
  }
  return who.reach == Reach::organization && !who.organization_id.empty() &&
         who.organization_id == organization.view();
}

/// The largest integer that a double holds exactly, so that JavaScript clients can compare
/// versions.
inline constexpr std::uint64_t max_version = (std::uint64_t{1} << 53U) - 1;

/// An order id is 1 to this many bytes of UTF-8.
inline constexpr std::size_t max_order_id_bytes = 128;

/// A store's epoch is at most this many bytes.
inline constexpr std::size_t max_epoch_bytes = 64;

/// A message may name at most this many orders.
inline constexpr std::size_t max_batch = 100;

/// One committed change of one order, for `publish`. Borrows all its text.
///
///     OrderEvent{"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", 2, json}
///
/// `json` is the full order as one JSON object; `order:updated` contains it unchanged. Publish the
/// versions of an order in increasing order; no connection gets `order:updated` twice with the same
/// version. Version 0 means no version: it is always sent, and never replaced by a newer one.
struct OrderEvent {
  std::string_view order_id;
  OwnerId owner;
  OrganizationId organization;
  std::string_view status;
  std::uint64_t version = 0;
  std::string_view json;

  /// Another user who gets this change, like the owner. A former assignee does not get later
  /// changes; tell them with `send_to_user` if they should know.
  AssigneeId assignee = {};
};

/// The current state of one order, as an order source returns it.
struct OrderSnapshot {
  std::uint64_t version = 0;
  std::string json;  ///< The full order, one JSON object.
};

}  // namespace ordercast
