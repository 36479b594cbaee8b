// SPDX-License-Identifier: MIT
#pragma once

#include "api/allowed_hosts.hpp"
#include "api/context.hpp"
#include "api/cors.hpp"
#include "api/router.hpp"
#include "api/static_files.hpp"
#include "net/address_limiter.hpp"
#include "workers/worker_pool.hpp"
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/address_list.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Takes a request through CORS, routing, token, role, lane, handler and security headers.
///
/// `handle` is the `HttpHandler` of a transport and `refuse_handshake` its `HandshakeFilter`. Both
/// run on I/O threads and never block: verifying a token takes microseconds, and a handler's other
/// work runs on its lane. A request without the token that it needs is refused before it enters a
/// queue. Any thread; the context must outlive the last answer.
namespace order_server {

/// Limits of one client address, besides those of one account. Neither loopback nor the proxies
/// themselves are counted. Clients whose address a proxy hides or garbles share one limit.
struct AddressRules {
  AddressLimits handshakes{100, 1000};
  AddressLimits logins{5, 50};  ///< Each costs a password hash.
  ordercast::net::AddressList trusted_proxies;
};

/// Limits of one user's writes: every call except GET, HEAD, OPTIONS and the auth routes.
struct WriteRules {
  AddressLimits customers{5, 50};
  AddressLimits staff{50, 200};
};

class DurationHistogram;

class Api {
 public:
  /// Runs a job on a lane (never `Lane::io`); false when its queue is full. The job's owner is the
  /// user, or the client's address if no user is signed in. Owners take turns on a lane.
  using Submit = std::function<bool(Lane, Job)>;

  /// Serves `pages` at paths that have no route.
  Api(ApiContext& context, Routes routes, Cors cors, AddressRules addresses, Submit submit,
      StaticFiles pages = {});

  /// Tells browsers that connect over TLS to refuse plain HTTP for this long (HSTS). Call before
  /// the first request.
  void promise_tls(std::chrono::seconds hsts) { hsts_ = hsts; }

  /// Answers other hosts with 421 (RFC 9110 section 15.5.20). Call before the first request.
  void answer_to(AllowedHosts hosts) { hosts_ = std::move(hosts); }

  /// Call before the first request.
  void limit_writes(const WriteRules& rules) {
    customer_writes_.set_limits(rules.customers);
    staff_writes_.set_limits(rules.staff);
  }

  /// Answers one request, now or later.
  void handle(ordercast::HttpRequest request, const ordercast::HttpResponder& respond);

  /// Returns the refusal of a WebSocket handshake; nullopt if it may go on. Checks the path, the
  /// Origin, the rate of the client's address, and whether the server drains.
  [[nodiscard]] std::optional<ordercast::HttpResponse> refuse_handshake(
      const ordercast::HttpRequest& request);

 private:
  struct Call;

  /// Answers what needs no lane; returns nullopt if the route must run.
  [[nodiscard]] std::optional<ordercast::HttpResponse> answer_at_once(
      const ordercast::HttpRequest& request, const Router::Match& match, Caller& caller);
  [[nodiscard]] bool admits(AddressLimiter& limiter, const ordercast::HttpRequest& request) const;
  /// Whether the caller may write now.
  [[nodiscard]] bool admits_write(const ordercast::HttpRequest& request, const Caller& caller);
  [[nodiscard]] bool is_ours(const ordercast::HttpRequest& request) const;
  [[nodiscard]] std::string owner_of(const ordercast::HttpRequest& request,
                                     const Caller& caller) const;
  [[nodiscard]] std::optional<ordercast::HttpResponse> refusal_of_ended(
      const Route& route, const ordercast::HttpRequest& request) const;
  [[nodiscard]] ordercast::HttpResponse run(const Route& route, const ApiRequest& request) const;
  [[nodiscard]] std::optional<ordercast::HttpResponse> handshake_refusal(
      const ordercast::HttpRequest& request);
  void add_security_headers(ordercast::HttpResponse& response) const;
  void finish(const Call& call, ordercast::HttpResponse response,
              const ordercast::HttpResponder& respond) const;

  ApiContext& context_;
  Router router_;
  std::vector<DurationHistogram*> route_seconds_;  ///< By the route's number.
  DurationHistogram& other_seconds_;               ///< Paths without a route: pages, mistakes.
  StaticFiles pages_;
  Cors cors_;
  AllowedHosts hosts_;
  ordercast::net::AddressList trusted_proxies_;
  AddressLimiter handshakes_;
  AddressLimiter logins_;
  AddressLimiter customer_writes_{WriteRules{}.customers};
  AddressLimiter staff_writes_{WriteRules{}.staff};
  Submit submit_;
  std::chrono::seconds hsts_{0};
};

}  // namespace order_server
