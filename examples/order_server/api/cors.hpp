// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>
#include <ordercast/net/address_list.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Decides which web pages may talk to this server (the CORS protocol of the Fetch standard).
/// Covers the API and WebSocket handshakes, which browsers send without a preflight (CWE-1385).
///
/// Immutable after construction; any thread; O(length of the allow-list).
namespace order_server {

/// Normalizes an origin to `scheme://host[:port]` in lower case, without its scheme's default port
/// (RFC 6454 section 6.2). Takes any scheme. Returns nullopt for text that is no origin, such as a
/// path.
[[nodiscard]] std::optional<std::string> normal_origin(std::string_view text);

[[nodiscard]] inline bool is_origin(std::string_view text) {
  return normal_origin(text).has_value();
}

/// The scheme and port at which clients reach the server.
struct Site {
  std::string scheme;  ///< "http" or "https". Empty: either, if a proxy does not say which.
  bool on_loopback = false;
  ordercast::net::AddressList trusted_proxies;
};

class Cors {
 public:
  Cors() = default;
  /// Allows these origins besides the server's own. Text that is no origin never matches.
  explicit Cors(const std::vector<std::string>& allowed, Site site = {});

  /// Returns true for a request without Origin (no browser sends it), for the server's own origin,
  /// for a listed origin, and on loopback for any loopback origin. The server's own scheme and host
  /// come from a trusted proxy, or else from the listener and the Host header. Returns false for
  /// `Origin: null` and for two Origin headers.
  [[nodiscard]] bool allows(const ordercast::HttpRequest& request) const;

  /// Returns true for a preflight request: OPTIONS with Origin and Access-Control-Request-Method.
  [[nodiscard]] static bool is_preflight(const ordercast::HttpRequest& request) noexcept;

  /// Answers a preflight: 204 with what is allowed, or 403 without CORS headers. Pass the answer
  /// through `decorate`.
  [[nodiscard]] ordercast::HttpResponse preflight(const ordercast::HttpRequest& request) const;

  /// Adds the headers that let the page read `response`. For a foreign Origin adds Vary only.
  void decorate(const ordercast::HttpRequest& request, ordercast::HttpResponse& response) const;

 private:
  [[nodiscard]] bool is_own(const std::string& origin, const ordercast::HttpRequest& request) const;

  std::vector<std::string> allowed_;  // As `normal_origin` returns them.
  Site site_;
};

}  // namespace order_server
