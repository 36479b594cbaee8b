// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The vocabulary of ordercast: who is connected, what changed, who may see it.
///
/// Everything here is a plain value with no I/O, no clock and no thread rules of its own: distinct
/// objects may be used from any thread, one object by one thread at a time. The `*View` and
/// `OrderEvent` types borrow their text; they are valid only as long as what they point into.
namespace ordercast {

/// What a user is allowed to be; the `role` claim of an access token.
enum class Role : std::uint8_t { super_admin, org_admin, store_manager, staff, rider, customer };

/// The wire name of a role, as in the token's `role` claim.
[[nodiscard]] constexpr std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::super_admin:
      return "SUPER_ADMIN";
    case Role::org_admin:
      return "ORG_ADMIN";
    case Role::store_manager:
      return "STORE_MANAGER";
    case Role::staff:
      return "STAFF";
    case Role::rider:
      return "RIDER";
    case Role::customer:
      return "CUSTOMER";
  }
  return "CUSTOMER";
}

/// The role with this wire name; nothing for any other text (names are case-sensitive).
[[nodiscard]] constexpr std::optional<Role> role_from_string(std::string_view name) noexcept {
  for (const Role role : {Role::super_admin, Role::org_admin, Role::store_manager, Role::staff,
                          Role::rider, Role::customer}) {
    if (to_string(role) == name) return role;
  }
  return std::nullopt;
}

/// True for every role that works for an organisation or for the platform.
[[nodiscard]] constexpr bool is_staff(Role role) noexcept {
  return role != Role::customer;
}

/// True for a role that belongs to exactly one organisation.
[[nodiscard]] constexpr bool has_organization(Role role) noexcept {
  return role != Role::customer && role != Role::super_admin;
}

/// Who a connection speaks for, without owning the text.
struct IdentityView {
  std::string_view user_id;
  Role role = Role::customer;
  std::string_view organization_id;  ///< Empty for `super_admin` and `customer`.
};

/// Who a connection speaks for.
struct Identity {
  std::string user_id;
  Role role = Role::customer;
  std::string organization_id;  ///< Empty for `super_admin` and `customer`.
  /// Which sign-in the token belongs to (its `sid` claim), so that one can be ended alone; empty
  /// for none.
  std::string session_id{};

  [[nodiscard]] operator IdentityView() const noexcept {  // NOLINT(google-explicit-constructor)
    return {user_id, role, organization_id};
  }
};

/// The rule on who may watch an order: its owner, its organisation's roles, and SUPER_ADMIN.
/// Constant time but for the comparison of ids. A role of an organisation with no organisation
/// never matches, so two empty ids can't meet.
[[nodiscard]] constexpr bool may_watch(const IdentityView& who, std::string_view owner_id,
                                       std::string_view organization_id) noexcept {
  if (who.role == Role::super_admin) return true;
  if (!who.user_id.empty() && who.user_id == owner_id) return true;
  return has_organization(who.role) && !who.organization_id.empty() &&
         who.organization_id == organization_id;
}

/// A version is at most what a double holds exactly, so that JavaScript clients can compare it.
inline constexpr std::uint64_t max_version = (std::uint64_t{1} << 53U) - 1;

/// An order id is 1 to this many bytes of UTF-8.
inline constexpr std::size_t max_order_id_bytes = 128;

/// A store's epoch is at most this many bytes.
inline constexpr std::size_t max_epoch_bytes = 64;

/// One committed change of one order, as `publish` takes it. Borrows all its text.
///
/// `json` is the full order as one JSON object; it travels unchanged in `order:updated`.
/// Versions of one order must be published in increasing order; a version that a connection has
/// already been sent is not sent to it again.
struct OrderEvent {
  std::string_view order_id;
  std::string_view owner_id;
  std::string_view organization_id;
  std::string_view status;
  std::uint64_t version = 0;
  std::string_view json;
};

/// The current state of one order, as an order source answers it.
struct OrderSnapshot {
  std::uint64_t version = 0;
  std::string json;  ///< The full order, one JSON object.
};

}  // namespace ordercast
