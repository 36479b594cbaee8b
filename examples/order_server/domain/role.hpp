// SPDX-License-Identifier: MIT
#pragma once

#include "domain/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The roles of this server's users. auth/caller.hpp says which orders a role reaches. Pure
/// functions; any thread.
namespace order_server {

/// The role of a user, as in the `role` claim of an access token.
enum class Role : std::uint8_t { super_admin, org_admin, store_manager, staff, rider, customer };

/// The name of each role in tokens, in the database and on the wire.
inline constexpr Names<Role, 6> all_roles{{{Role::super_admin, "SUPER_ADMIN"},
                                           {Role::org_admin, "ORG_ADMIN"},
                                           {Role::store_manager, "STORE_MANAGER"},
                                           {Role::staff, "STAFF"},
                                           {Role::rider, "RIDER"},
                                           {Role::customer, "CUSTOMER"}}};

[[nodiscard]] constexpr std::string_view to_string(Role role) noexcept {
  return name_in(all_roles, role);
}

/// The role with this name; nullopt for any other text (names are case-sensitive).
[[nodiscard]] constexpr std::optional<Role> role_from_string(std::string_view name) noexcept {
  return value_in(all_roles, name);
}

/// The names of all roles, for messages: "SUPER_ADMIN, ORG_ADMIN, ...".
[[nodiscard]] inline std::string role_names() {
  std::string names;
  for (const auto& [role, name] : all_roles) {
    if (!names.empty()) names += ", ";
    names += name;
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
