// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>
#include <ordercast/net/address_list.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which web pages may talk to this server (the Fetch standard's CORS protocol), for the API and
/// for WebSocket handshakes alike, which browsers send without asking first (CWE-1385).
///
/// Immutable after construction; any thread. Linear in the allow-list.
namespace order_server {

/// An origin in one spelling: `scheme://host[:port]` in lower case, any scheme, without the port
/// that its scheme has by default (RFC 6454 section 6.2). nullopt for anything else, like a path.
[[nodiscard]] std::optional<std::string> normal_origin(std::string_view text);

[[nodiscard]] inline bool is_origin(std::string_view text) {
  return normal_origin(text).has_value();
}

/// How the server is reached.
struct Site {
  std::string scheme;  ///< "http" or "https"; "": either, as for a proxy that does not say.
  bool on_loopback = false;
  ordercast::net::AddressList trusted_proxies;
};

class Cors {
 public:
  Cors() = default;
  /// Origins besides the server's own. What is no origin is never matched.
  explicit Cors(const std::vector<std::string>& allowed, Site site = {});

  /// True without an Origin (then it is no browser), for the server's own origin (scheme and host
  /// as a trusted proxy says, else the listener's and the Host header), for every listed one, and
  /// on loopback for those of loopback. `Origin: null` and two Origin headers are foreign.
  [[nodiscard]] bool allows(const ordercast::HttpRequest& request) const;

  /// True for a browser's question whether it may send a request (method OPTIONS with Origin and
  /// Access-Control-Request-Method).
  [[nodiscard]] static bool is_preflight(const ordercast::HttpRequest& request) noexcept;

  /// The answer to a preflight, before `decorate`: 204 with what is allowed, or a bare 403.
  [[nodiscard]] ordercast::HttpResponse preflight(const ordercast::HttpRequest& request) const;

  /// Adds the headers that let the page read `response`; for a foreign Origin none but Vary.
  void decorate(const ordercast::HttpRequest& request, ordercast::HttpResponse& response) const;

 private:
  [[nodiscard]] bool is_own(const std::string& origin, const ordercast::HttpRequest& request) const;

  std::vector<std::string> allowed_;  // Normal.
  Site site_;
};

}  // namespace order_server
