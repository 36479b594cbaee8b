// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The roles of this server's users. Which orders a role reaches is told to ordercast where tokens
/// are read (auth/caller.hpp). Pure functions; any thread.
namespace order_server {

/// What a user is allowed to be; the `role` claim of an access token.
enum class Role : std::uint8_t { super_admin, org_admin, store_manager, staff, rider, customer };

inline constexpr std::array all_roles = {Role::super_admin, Role::org_admin, Role::store_manager,
                                         Role::staff,       Role::rider,     Role::customer};

/// The name of a role in tokens, in the database and on the wire.
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

/// The role with this name; nullopt for any other text (names are case-sensitive).
[[nodiscard]] constexpr std::optional<Role> role_from_string(std::string_view name) noexcept {
  for (const Role role : all_roles) {
    if (to_string(role) == name) return role;
  }
  return std::nullopt;
}

/// The names of all roles, for messages: "SUPER_ADMIN, ORG_ADMIN, ...".
[[nodiscard]] inline std::string role_names() {
  std::string names;
  for (const Role role : all_roles) {
    if (!names.empty()) names += ", ";
    names += to_string(role);
  }
  return names;
}

/// True for every role that works for an organization or for the platform.
[[nodiscard]] constexpr bool is_staff(Role role) noexcept {
  return role != Role::customer;
}

/// True for a role that belongs to exactly one organization.
[[nodiscard]] constexpr bool has_organization(Role role) noexcept {
  return role != Role::customer && role != Role::super_admin;
}

}  // namespace order_server
