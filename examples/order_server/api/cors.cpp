// SPDX-License-Identifier: MIT
#include "api/cors.hpp"

#include "api/envelope.hpp"

#include <algorithm>

namespace order_server {
namespace {

using ordercast::HttpRequest;
using ordercast::HttpResponse;
using ordercast::iequals;

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!iequals(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) noexcept {
  if (text.size() <= suffix.size() || text.substr(text.size() - suffix.size()) != suffix) {
    return false;
  }
  text.remove_suffix(suffix.size());
  return true;
}

/// Whether `origin` is the one that the Host header names. A browser leaves the scheme's own port
/// out of both, other clients may not.
bool is_own_origin(std::string_view origin, std::string_view host) noexcept {
  if (host.empty()) return false;
  std::string_view port;
  if (take_prefix(origin, "https://")) {
    port = ":443";
  } else if (take_prefix(origin, "http://")) {
    port = ":80";
  } else {
    return false;
  }
  take_suffix(origin, port);
  take_suffix(host, port);
  return iequals(origin, host);
}

auto count_of(const HttpRequest& request, std::string_view name) noexcept {
  return std::count_if(request.headers.begin(), request.headers.end(),
                       [&](const auto& field) { return iequals(field.name, name); });
}

}  // namespace

bool is_origin(std::string_view text) noexcept {
  if (!take_prefix(text, "https://") && !take_prefix(text, "http://")) return false;
  return !text.empty() && text.find_first_of("/?#@ \t\r\n*,") == std::string_view::npos;
}

bool Cors::allows(const HttpRequest& request) const noexcept {
  const auto origins = count_of(request, "Origin");
  if (origins == 0) return true;
  if (origins > 1) return false;
  const auto origin = request.header("Origin");
  if (is_own_origin(origin, request.header("Host"))) return true;
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const auto& entry) { return iequals(entry, origin); });
}

bool Cors::is_preflight(const HttpRequest& request) noexcept {
  return request.method == "OPTIONS" && count_of(request, "Origin") > 0 &&
         count_of(request, "Access-Control-Request-Method") > 0;
}

HttpResponse Cors::preflight(const HttpRequest& request) const {
  if (!allows(request)) return problem(403, "This origin is not allowed");
  HttpResponse response{204, {}, {}};
  response.headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE"});
  response.headers.push_back({"Access-Control-Allow-Headers", "Authorization, Content-Type"});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
  return response;
}

void Cors::decorate(const HttpRequest& request, HttpResponse& response) const {
  // A cache must never hand one origin's answer to another.
  response.headers.push_back({"Vary", "Origin"});
  if (count_of(request, "Origin") == 0 || !allows(request)) return;
  response.headers.push_back(
      {"Access-Control-Allow-Origin", std::string(request.header("Origin"))});
  response.headers.push_back({"Access-Control-Expose-Headers", "Retry-After"});
}

}  // namespace order_server
