// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which names this server answers to. A web page may point a name of its own at 127.0.0.1 (DNS
/// rebinding) and is then of the same origin as a server that answers to any name.
///
/// Immutable; any thread; linear in the names.
namespace order_server {

/// A host without its port and a dot at its end, in lower case; brackets of IPv6 stay.
[[nodiscard]] std::string host_name(std::string_view host);

/// localhost, names below it (RFC 6761 section 6.3), 127.0.0.0/8 and ::1, with or without port.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// Whether `text` can stand in --allowed-hosts: a name or address without scheme, port and path.
[[nodiscard]] bool is_host_name(std::string_view text);

class AllowedHosts {
 public:
  /// Allows all hosts.
  AllowedHosts() = default;
  /// `names` are allowed, and loopback names if the listener is on loopback. Without names a
  /// listener elsewhere allows all.
  AllowedHosts(const std::vector<std::string>& names, bool on_loopback);

  /// Whether `host`, as it stands in a request, is one of ours. None at all is no browser.
  [[nodiscard]] bool allow(std::string_view host) const;

 private:
  std::vector<std::string> names_;
  bool on_loopback_ = false;
};

}  // namespace order_server
