// SPDX-License-Identifier: MIT
#include "api/api.hpp"

#include "api/envelope.hpp"
#include "api/request_ids.hpp"
#include "domain/printable.hpp"
#include "process/log_fields.hpp"
#include "workers/fail_point.hpp"
#include <ordercast/net/forwarded_client.hpp>
#include <ordercast/net/response_writer.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>
#include <variant>

namespace order_server {
namespace {

using ordercast::HttpRequest;
using ordercast::HttpResponder;
using ordercast::HttpResponse;

constexpr std::chrono::seconds retry_after{1};

HttpResponse unauthorized(std::string_view reason) {
  HttpResponse response = problem(401, reason);
  response.headers.push_back({"WWW-Authenticate", "Bearer"});  // RFC 6750 section 3
  return response;
}

/// Returns the token of an HTTP request. Reads the Authorization header only: query strings end up
/// in logs, and a browser never adds Authorization by itself (no CSRF).
std::string_view bearer_token(const HttpRequest& request) noexcept {
  const auto authorization = request.header("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (!ordercast::iequals(authorization.substr(0, scheme.size()), scheme)) return {};
  return ordercast::detail::trim(authorization.substr(scheme.size()));
}

HttpResponse draining_answer() {
  return retry_later(503, "The server is restarting", retry_after);
}

HttpResponse too_busy_address() {
  return retry_later(429, "Too many requests from this address", retry_after);
}

HttpResponse overloaded() {
  return retry_later(503, "The server is overloaded", retry_after);
}

HttpResponse too_many_writes() {
  return retry_later(429, "Too many changes by this user", retry_after);
}

HttpResponse misdirected() {
  return problem(421, "This server does not answer to this host name");
}

bool is_write(const HttpRequest& request) noexcept {
  constexpr std::string_view signing_in = "/api/v1/auth/";
  return request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS" &&
         request.path().substr(0, signing_in.size()) != signing_in;
}

/// Memory that a request holds while it waits.
std::size_t bytes_of(const HttpRequest& request) noexcept {
  std::size_t bytes = request.target.size() + request.body.size();
  for (const auto& field : request.headers) {
    bytes += sizeof field + field.name.size() + field.value.size();
  }
  return bytes;
}

}  // namespace

/// A request with its route and its caller. Lives until the handler has answered.
struct Api::Call {
  HttpRequest request;
  ordercast::TimePoint arrived;
  std::string id;
  std::string trace;  ///< "" if the client names none.
  Router::Match match;
  Caller caller;
};

Api::Api(ApiContext& context, Routes routes, Cors cors, AddressRules addresses, Submit submit,
         StaticFiles pages)
    : context_(context),
      router_(std::move(routes)),
      other_seconds_(context.metrics.request_seconds("other", "other")),
      pages_(std::move(pages)),
      cors_(std::move(cors)),
      trusted_proxies_(std::move(addresses.trusted_proxies)),
      handshakes_(addresses.handshakes),
      logins_(addresses.logins),
      submit_(std::move(submit)) {
  for (const auto& route : router_.routes()) {
    route_seconds_.push_back(
        &context.metrics.request_seconds(std::string(route.method), std::string(route.pattern)));
  }
}

void Api::handle(HttpRequest request, const HttpResponder& respond) {
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->arrived = context_.now();
  call->id = request_id_of(call->request);
  call->trace = trace_id_of(call->request);
  if (!is_ours(call->request)) {
    // Not through `finish`, which would let a page that claims our origin read the answer.
    HttpResponse response = misdirected();
    add_security_headers(response);
    context_.metrics.http_responses[4].add();
    respond(std::move(response));
    return;
  }
  call->match = router_.find(call->request.method, call->request.path());
  if (auto answer = answer_at_once(call->request, call->match, call->caller)) {
    finish(*call, std::move(*answer), respond);
    return;
  }
  if (const auto later = call->match.route->later) {
    later(context_, [this, call, respond](HttpResponse response) {
      finish(*call, std::move(response), respond);
    });
    return;
  }
  const Lane lane = call->match.route->lane;
  const auto work = [this, call, respond] {
    if (call->request.abandoned()) return;
    const ApiRequest api_request{call->request, std::move(call->match.parameters), call->caller};
    HttpResponse response;
    {
      const LogField trace("traceId", call->trace);
      const LogField id("requestId", call->id);
      response = run(*call->match.route, api_request);
    }
    finish(*call, std::move(response), respond);
  };
  if (lane == Lane::io) {
    work();
  } else {
    const auto refuse = [this, call, respond] { finish(*call, overloaded(), respond); };
    if (!submit_(lane, {work, owner_of(call->request, call->caller),
                        sizeof(Call) + bytes_of(call->request), refuse})) {
      refuse();
    }
  }
}

std::optional<HttpResponse> Api::answer_at_once(const HttpRequest& request,
                                                const Router::Match& match, Caller& caller) {
  if (Cors::is_preflight(request)) return cors_.preflight(request);
  if (context_.draining && !context_.hands_over &&
      (match.route == nullptr || !match.route->while_draining)) {
    return draining_answer();
  }
  if (match.route == nullptr) {
    if (request.path() == "/ws")
      return ordercast::net::upgrade_required(request, transport_problem);
    if (match.allow.empty()) {
      if (auto page = pages_.answer(request)) return page;
      return problem(404, "Nothing is served at this path");
    }
    HttpResponse response = problem(405, "This path allows " + match.allow);
    response.headers.push_back({"Allow", match.allow});
    return response;
  }
  if (match.route->lane == Lane::login && !admits(logins_, request)) return too_busy_address();
  if (match.route->access == Access::open) return std::nullopt;

  stall_point("io");
  auto who = context_.tokens.caller_of(bearer_token(request));
  if (const auto* failure = std::get_if<ordercast::AuthFailure>(&who)) {
    return unauthorized(failure->reason);
  }
  caller = std::get<Caller>(std::move(who));
  if (!may_call(match.route->access, caller.role)) {
    return problem(403, "Your role may not do this");
  }
  if (!admits_write(request, caller)) return too_many_writes();
  return std::nullopt;
}

bool Api::is_ours(const HttpRequest& request) const {
  const auto client = ordercast::net::client_of(request, trusted_proxies_);
  return hosts_.allow(client.host.empty() ? request.header("Host") : client.host);
}

bool Api::admits_write(const HttpRequest& request, const Caller& caller) {
  if (!is_write(request)) return true;
  auto& limiter = caller.role == Role::customer ? customer_writes_ : staff_writes_;
  return limiter.admit(caller.user_id, context_.now());
}

std::string Api::owner_of(const HttpRequest& request, const Caller& caller) const {
  if (!caller.user_id.empty()) return "user " + caller.user_id;
  return "address " + ordercast::net::client_of(request, trusted_proxies_).limit_key();
}

bool Api::admits(AddressLimiter& limiter, const HttpRequest& request) const {
  const auto client = ordercast::net::client_of(request, trusted_proxies_);
  const bool is_exempt = client.address && (client.address->is_loopback() ||
                                            trusted_proxies_.contains(*client.address));
  return is_exempt || limiter.admit(client.limit_key(), context_.now());
}

/// The sign-in may have ended while the request waited, or by an operator's command. What an I/O
/// thread answers itself shows nothing of a user, and looks at no database.
std::optional<HttpResponse> Api::refusal_of_ended(const Route& route,
                                                  const HttpRequest& request) const {
  if (route.access == Access::open || route.lane == Lane::io) return std::nullopt;
  if (context_.refuse_changed_accounts) context_.refuse_changed_accounts();
  const auto who = context_.tokens.caller_of(bearer_token(request));
  const auto* failure = std::get_if<ordercast::AuthFailure>(&who);
  if (failure == nullptr) return std::nullopt;
  return unauthorized(failure->reason);
}

HttpResponse Api::run(const Route& route, const ApiRequest& request) const {
  // Log the route, not the target: a target may hold what a user typed.
  try {
    if (auto refusal = refusal_of_ended(route, request.http)) return std::move(*refusal);
    return route.handler(request, context_);
  } catch (const StoreError& error) {
    spdlog::error("{} {}: {}", route.method, route.pattern, printable(error.what()));
    return retry_later(503, "The database does not answer", retry_after);
  } catch (const std::bad_alloc&) {
    spdlog::error("{} {}: out of memory", route.method, route.pattern);
    return retry_later(503, "The server is out of memory", retry_after);
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", route.method, route.pattern, printable(error.what()));
  } catch (...) {
    spdlog::error("{} {}: unknown exception", route.method, route.pattern);
  }
  return problem(500, "Something went wrong on the server");
}

void Api::finish(const Call& call, HttpResponse response, const HttpResponder& respond) const {
  cors_.decorate(call.request, response);
  add_security_headers(response);
  response.headers.push_back({"X-Request-Id", call.id});
  const auto* route = call.match.route;
  auto& seconds = route == nullptr ? other_seconds_ : *route_seconds_[router_.number_of(*route)];
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(context_.now() - call.arrived);
  seconds.observe(took);
  if (spdlog::should_log(spdlog::level::debug)) {
    // The route, not the target: a target may hold what a user typed.
    const LogField trace("traceId", call.trace);
    const LogField id("requestId", call.id);
    const LogField time("microseconds", took.count());
    const LogField status("status", response.status);
    const LogField path("route", std::string(route == nullptr ? "other" : route->pattern));
    const LogField method("method", std::string(route == nullptr ? "other" : route->method));
    spdlog::debug("answered");
  }
  const auto hundreds = static_cast<std::size_t>(response.status / 100);
  if (hundreds < decltype(context_.metrics.http_responses)::size()) {
    context_.metrics.http_responses[hundreds].add();
  }
  respond(std::move(response));
}

void Api::add_security_headers(HttpResponse& response) const {
  const auto add = [&](const char* name, std::string value) {
    const bool says_itself =
        std::any_of(response.headers.begin(), response.headers.end(),
                    [&](const auto& field) { return ordercast::iequals(field.name, name); });
    if (!says_itself) response.headers.push_back({name, std::move(value)});
  };
  add("X-Content-Type-Options", "nosniff");
  add("Cache-Control", "no-store");
  add("Referrer-Policy", "no-referrer");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (hsts_.count() > 0) {  // RFC 6797
    add("Strict-Transport-Security", "max-age=" + std::to_string(hsts_.count()));
  }
}

std::optional<HttpResponse> Api::refuse_handshake(const HttpRequest& request) {
  auto refusal = handshake_refusal(request);
  if (refusal) add_security_headers(*refusal);
  return refusal;
}

std::optional<HttpResponse> Api::handshake_refusal(const HttpRequest& request) {
  if (!is_ours(request)) return misdirected();
  if (request.path() != "/ws") return problem(404, "WebSockets are at /ws");
  if (!cors_.allows(request)) return problem(403, "This origin is not allowed");
  if (context_.draining) return draining_answer();
  if (!admits(handshakes_, request)) return too_busy_address();
  return std::nullopt;
}

Routes all_api_routes() {
  Routes all;
  for (auto&& part : {auth_routes(), catalog_routes(), order_routes(), order_change_routes(),
                      payment_routes(), device_routes(), admin_routes()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace order_server
