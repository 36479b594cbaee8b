// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/auth/jwt_types.hpp>
#include <ordercast/detail/utf8.hpp>
#include <ordercast/types.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The validated roles of an application. Immutable.
namespace ordercast::detail::jose {

class RoleTable {
 public:
  /// Throws std::invalid_argument if the table is empty, or if a name is empty, repeated, or
  /// impossible in a token.
  explicit RoleTable(std::vector<JwtRole> roles) : roles_(std::move(roles)) {
    if (roles_.empty()) {
      throw std::invalid_argument(
          "jwt: there are no roles; give each role of your tokens a name and a reach");
    }
    unknown_ = "unknown role; the known ones are ";
    for (auto one = roles_.begin(); one != roles_.end(); ++one) {
      if (one->name.empty()) throw std::invalid_argument("jwt: the name of a role is empty");
      if (!is_utf8(one->name) || one->name.find('\0') != std::string::npos) {
        throw std::invalid_argument("jwt: the name of a role is not UTF-8, or holds NUL");
      }
      const auto same = [&](const JwtRole& other) { return other.name == one->name; };
      if (std::any_of(roles_.begin(), one, same)) {
        throw std::invalid_argument("jwt: the role '" + one->name + "' is given twice");
      }
      if (one != roles_.begin()) unknown_ += ", ";
      unknown_ += one->name;
    }
  }

  /// Returns the reach of a role; nullopt if it is not in the table. Names are case-sensitive.
  [[nodiscard]] std::optional<Reach> find(std::string_view name) const noexcept {
    const auto found = std::find_if(roles_.begin(), roles_.end(),
                                    [&](const JwtRole& role) { return role.name == name; });
    if (found == roles_.end()) return std::nullopt;
    return found->reach;
  }

  /// The error for an unknown role; it lists the known ones. Lives as long as the table.
  [[nodiscard]] const std::string& unknown() const noexcept { return unknown_; }

 private:
  std::vector<JwtRole> roles_;
  std::string unknown_;
};

}  // namespace ordercast::detail::jose
