// SPDX-License-Identifier: MIT
#pragma once

#include "domain/role.hpp"
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <string>
#include <variant>

/// Who calls this server, and which orders ordercast lets them see. Pure functions; any thread.
namespace order_server {

/// Returns which orders a role reaches.
[[nodiscard]] constexpr ordercast::Reach reach_of(Role role) noexcept {
  if (role == Role::super_admin) return ordercast::Reach::everything;
  return has_organization(role) ? ordercast::Reach::organization : ordercast::Reach::own;
}

/// Who an access token speaks for.
struct Caller {
  std::string user_id;
  Role role = Role::customer;
  std::string organization_id = {};  ///< Empty for SUPER_ADMIN and CUSTOMER.
  std::string session_id = {};       ///< Empty in a token without a `sid` claim.

  /// Returns the identity for a connection.
  [[nodiscard]] ordercast::IdentityView identity() const noexcept {
    return {user_id, reach_of(role), organization_id};
  }
};

/// The result for a token: who calls, or why it is refused.
using CallerResult = std::variant<Caller, ordercast::AuthFailure>;

}  // namespace order_server
