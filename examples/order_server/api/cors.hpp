// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which web pages may talk to this server (the Fetch standard's CORS protocol), for the API and
/// for WebSocket handshakes alike, which browsers send without asking first (CWE-1385).
///
/// Immutable after construction; any thread. Linear in the allow-list.
namespace order_server {

/// Whether `text` is an origin as browsers write it: `scheme://host[:port]`, http or https, no
/// path.
[[nodiscard]] bool is_origin(std::string_view text) noexcept;

class Cors {
 public:
  Cors() = default;
  /// Origins besides the server's own, compared without case.
  explicit Cors(std::vector<std::string> allowed) : allowed_(std::move(allowed)) {}

  /// True without an Origin (then it is no browser), for the server's own origin (that of the Host
  /// header, http or https, as a proxy may end TLS), and for every listed one. `Origin: null` and
  /// two Origin headers are foreign.
  [[nodiscard]] bool allows(const ordercast::HttpRequest& request) const noexcept;

  /// True for a browser's question whether it may send a request (method OPTIONS with Origin and
  /// Access-Control-Request-Method).
  [[nodiscard]] static bool is_preflight(const ordercast::HttpRequest& request) noexcept;

  /// The answer to a preflight, before `decorate`: 204 with what is allowed, or a bare 403.
  [[nodiscard]] ordercast::HttpResponse preflight(const ordercast::HttpRequest& request) const;

  /// Adds the headers that let the page read `response`; for a foreign Origin none but Vary.
  void decorate(const ordercast::HttpRequest& request, ordercast::HttpResponse& response) const;

 private:
  std::vector<std::string> allowed_;
};

}  // namespace order_server
