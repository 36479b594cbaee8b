// SPDX-License-Identifier: MIT
#pragma once

#include "auth/caller.hpp"
#include "domain/role.hpp"
#include <ordercast/http.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The table of routes: method, path pattern, who may call, and where the handler runs.
namespace order_server {

struct ApiContext;

/// Who may make a call, whatever order it is about. Without a token: 401. With the wrong role: 403.
enum class Access : std::uint8_t {
  open,         ///< Everybody, without a token.
  signed_in,    ///< Any access token.
  customer,     ///< CUSTOMER.
  staff,        ///< Every role but CUSTOMER.
  super_admin,  ///< SUPER_ADMIN.
};

/// Where a handler runs. A handler on `io` must not block. Every other lane has its own threads and
/// its own bounded queue, so a slow lane does not delay another. A polite lane's threads run at a
/// lower priority.
enum class Lane : std::uint8_t {
  io,       ///< The connection's own I/O thread.
  reader,   ///< Database reads of a few rows.
  list,     ///< Database reads of many rows: pages of orders, the catalogue. Polite.
  writer,   ///< Database writes.
  login,    ///< Password hashing: slow on purpose. Polite.
  payment,  ///< Calls of the payment provider.
  webhook,  ///< The payment provider's webhooks: calls to the provider don't delay them.
  ops,      ///< Metrics: answered even if the API is overloaded.
};

/// One call to a handler. Valid only as long as the request.
struct ApiRequest {
  const ordercast::HttpRequest& http;
  std::vector<std::string> parameters;  ///< What each ":name" matched, percent-decoded, in order.
  Caller caller;                        ///< Empty for `Access::open`.
};

/// Answers a call on its lane. May throw: a StoreError becomes 503, any other exception 500.
using Handler = ordercast::HttpResponse (*)(const ApiRequest&, ApiContext&);

/// Answers a call of `Access::open` later, without holding a thread. Never blocks.
using LaterHandler = void (*)(ApiContext&, std::function<void(ordercast::HttpResponse)> answer);

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "/api/v1/orders/:id": a segment with ':' matches any one segment.
  Access access = Access::signed_in;
  Lane lane = Lane::reader;
  Handler handler = nullptr;
  bool while_draining = false;   ///< Also answered while the server drains.
  LaterHandler later = nullptr;  ///< Used instead of `lane` and `handler`.
};

using Routes = std::vector<Route>;

[[nodiscard]] bool may_call(Access access, Role role) noexcept;

/// Finds the route of a request. Immutable; any thread; linear in the number of routes.
class Router {
 public:
  struct Match {
    const Route* route = nullptr;  ///< Null if no route has this path and method.
    std::vector<std::string> parameters;
    std::string allow;  ///< The path's methods if only the method is wrong.
  };

  explicit Router(Routes routes) : routes_(std::move(routes)) {}

  /// `path` is still percent-encoded. A GET route also answers HEAD. A trailing slash makes a
  /// different path. A parameter does not match an empty segment.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

  [[nodiscard]] const Routes& routes() const noexcept { return routes_; }
  /// Where a route of `find` stands in `routes`.
  [[nodiscard]] std::size_t number_of(const Route& route) const noexcept {
    return static_cast<std::size_t>(&route - routes_.data());
  }

 private:
  Routes routes_;
};

}  // namespace order_server
