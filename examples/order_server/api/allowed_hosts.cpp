// SPDX-License-Identifier: MIT
#include "api/allowed_hosts.hpp"

#include <ordercast/net/client_address.hpp>

#include <algorithm>

namespace order_server {

std::string host_name(std::string_view host) {
  std::string name;
  if (!host.empty() && host.front() == '[') {
    const auto end = host.find(']');
    name = host.substr(0, end == std::string_view::npos ? host.size() : end + 1);
  } else {
    name = host.substr(0, host.find(':'));
  }
  if (!name.empty() && name.back() == '.') name.pop_back();
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

bool is_loopback_host(std::string_view host) {
  std::string name = host_name(host == "::1" ? "[::1]" : host);
  constexpr std::string_view below = ".localhost";
  if (name == "localhost" || (name.size() > below.size() &&
                              name.compare(name.size() - below.size(), below.size(), below) == 0)) {
    return true;
  }
  if (!name.empty() && name.front() == '[' && name.back() == ']') {
    name = name.substr(1, name.size() - 2);
  }
  const auto address = ordercast::net::ClientAddress::parse(name);
  return address && address->is_loopback();
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         text.find_first_of("/?#@ \t\r\n*,\"\\") == std::string_view::npos &&
         host_name(text).size() + (text.back() == '.' ? 1 : 0) == text.size();
}

AllowedHosts::AllowedHosts(const std::vector<std::string>& names, bool on_loopback)
    : on_loopback_(on_loopback) {
  for (const auto& name : names) names_.push_back(host_name(name));
}

bool AllowedHosts::allow(std::string_view host) const {
  if (host.empty() || (names_.empty() && !on_loopback_)) return true;
  if (on_loopback_ && is_loopback_host(host)) return true;
  return std::find(names_.begin(), names_.end(), host_name(host)) != names_.end();
}

}  // namespace order_server
