// SPDX-License-Identifier: MIT
#include "api/router.hpp"

#include <ordercast/handshake.hpp>

namespace order_server {
namespace {

/// Takes the next segment off a path that starts with '/'.
std::string_view take_segment(std::string_view& path) noexcept {
  path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::string>& parameters) {
  parameters.clear();
  while (!pattern.empty() && !path.empty() && path.front() == '/') {
    const auto expected = take_segment(pattern);
    const auto given = take_segment(path);
    if (!expected.empty() && expected.front() == ':') {
      if (given.empty()) return false;
      parameters.push_back(ordercast::percent_decode(given));
    } else if (expected != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

bool may_call(Access access, Role role) noexcept {
  switch (access) {
    case Access::open:
    case Access::signed_in:
      return true;
    case Access::customer:
      return role == Role::customer;
    case Access::staff:
      return is_staff(role);
    case Access::super_admin:
      return role == Role::super_admin;
  }
  return false;
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  const std::string_view wanted = method == "HEAD" ? std::string_view("GET") : method;
  Match match;
  std::vector<std::string> parameters;
  for (const auto& route : routes_) {
    if (!matches(route.pattern, path, parameters)) continue;
    if (route.method == wanted) {
      match.route = &route;
      match.parameters = std::move(parameters);
      match.allow.clear();
      return match;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
    if (route.method == "GET") match.allow += ", HEAD";
  }
  return match;
}

}  // namespace order_server
