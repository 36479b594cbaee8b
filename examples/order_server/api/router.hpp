// SPDX-License-Identifier: MIT
#pragma once

#include "auth/caller.hpp"
#include "domain/role.hpp"
#include <ordercast/http.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Which handler answers which call: a table of method, path pattern, who may call, and where the
/// handler runs.
namespace order_server {

struct ApiContext;

/// Who may make a call at all, whatever the order: 401 without a token, 403 for the wrong role.
enum class Access : std::uint8_t {
  open,         ///< Everybody, also without a token.
  signed_in,    ///< Any access token.
  customer,     ///< CUSTOMER.
  staff,        ///< Every role but CUSTOMER.
  super_admin,  ///< SUPER_ADMIN.
};

/// Where a handler runs. Only `io` may not block; each other lane has threads and a bounded queue
/// of its own, so that what is slow in one does not delay another. What takes long by its nature is
/// polite as well: its threads take what processor time the others leave.
enum class Lane : std::uint8_t {
  io,       ///< The connection's own I/O thread.
  reader,   ///< Database reads of a row or a few.
  list,     ///< Database reads of many rows: pages of orders, the catalogue. Polite.
  writer,   ///< Database writes, one at a time.
  login,    ///< Password hashing: slow on purpose. Polite.
  payment,  ///< Calls of the payment provider.
  webhook,  ///< The provider's webhooks: no call to it holds them up.
  ops,      ///< Metrics, answered also when the API is overloaded.
};

/// One call on its way to a handler. Valid only as long as the request.
struct ApiRequest {
  const ordercast::HttpRequest& http;
  std::vector<std::string> parameters;  ///< What ":name" matched, percent-decoded, in sequence.
  Caller caller;                        ///< Empty for `Access::open`.
};

/// Answers a call on its lane. May throw: a StoreError becomes 503, everything else 500.
using Handler = ordercast::HttpResponse (*)(const ApiRequest&, ApiContext&);

/// Answers a call of `Access::open` later, without holding a thread. Never blocks.
using LaterHandler = void (*)(ApiContext&, std::function<void(ordercast::HttpResponse)> answer);

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "/api/v1/orders/:id": a segment with ':' matches any one segment.
  Access access = Access::signed_in;
  Lane lane = Lane::reader;
  Handler handler = nullptr;
  bool while_draining = false;   ///< Answered by a server that is going away.
  LaterHandler later = nullptr;  ///< In place of `lane` and `handler`.
};

using Routes = std::vector<Route>;

[[nodiscard]] bool may_call(Access access, Role role) noexcept;

/// Finds the route of a request. Immutable; any thread; linear in the number of routes.
class Router {
 public:
  struct Match {
    const Route* route = nullptr;  ///< Null: no such path, or not with this method.
    std::vector<std::string> parameters;
    std::string allow;  ///< The path's methods when only the method is wrong.
  };

  explicit Router(Routes routes) : routes_(std::move(routes)) {}

  /// `path` is still percent-encoded. A GET route also answers HEAD. A trailing slash makes another
  /// path, and an empty segment matches no parameter.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  Routes routes_;
};

}  // namespace order_server
