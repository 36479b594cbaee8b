// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which names this server answers to. A web page may point a name of its own at 127.0.0.1 (DNS
/// rebinding). A server that answers to any name would then share the page's origin.
///
/// Immutable; any thread; O(number of names).
namespace order_server {

/// Returns a host in lower case, without its port and without a dot at its end. Keeps the brackets
/// of an IPv6 address.
[[nodiscard]] std::string host_name(std::string_view host);

/// Returns true for localhost, its subdomains (RFC 6761 section 6.3), 127.0.0.0/8 and ::1, with or
/// without a port.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// Returns true if --allowed-hosts takes `text`: a name or address without scheme, port and path.
[[nodiscard]] bool is_host_name(std::string_view text);

class AllowedHosts {
 public:
  /// Allows all hosts.
  AllowedHosts() = default;
  /// Allows `names`, and loopback names if the listener is on loopback. If `names` is empty, a
  /// listener that is not on loopback allows all hosts.
  AllowedHosts(const std::vector<std::string>& names, bool on_loopback);

  /// Returns true if the server answers to `host`, as a request names it. Allows an empty host:
  /// every browser sends one.
  [[nodiscard]] bool allow(std::string_view host) const;

 private:
  std::vector<std::string> names_;
  bool on_loopback_ = false;
};

}  // namespace order_server
