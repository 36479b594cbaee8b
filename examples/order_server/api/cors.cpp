// SPDX-License-Identifier: MIT
#include "api/cors.hpp"

#include "api/allowed_hosts.hpp"
#include "api/envelope.hpp"
#include <ordercast/net/forwarded_client.hpp>

#include <algorithm>
#include <utility>

namespace order_server {
namespace {

using ordercast::HttpRequest;
using ordercast::HttpResponse;
using ordercast::iequals;

std::string_view default_port(std::string_view scheme) noexcept {
  if (scheme == "http" || scheme == "ws") return "80";
  if (scheme == "https" || scheme == "wss") return "443";
  return {};
}

bool is_scheme(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

/// 1 to 65535, without leading zeros.
bool is_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || text.front() == '0') return false;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

auto count_of(const HttpRequest& request, std::string_view name) noexcept {
  return std::count_if(request.headers.begin(), request.headers.end(),
                       [&](const auto& field) { return iequals(field.name, name); });
}

}  // namespace

std::optional<std::string> normal_origin(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  std::string origin(text);
  std::transform(origin.begin(), origin.end(), origin.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto scheme = std::string_view(origin).substr(0, colon);
  auto host = std::string_view(origin).substr(colon + 3);
  std::string_view port;
  const auto bracket = host.rfind(']');
  const auto at = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (at != std::string_view::npos) {
    port = host.substr(at + 1);
    host = host.substr(0, at);
    if (!is_port(port)) return std::nullopt;
  }
  const bool is_ipv6 = !host.empty() && host.front() == '[';
  if (!is_scheme(scheme) || host.empty() || is_ipv6 != (host.back() == ']') ||
      host.find_first_of("/?#@ \t\r\n*,\"\\") != std::string_view::npos) {
    return std::nullopt;
  }
  if (port.empty() || port == default_port(scheme)) {
    return std::string(scheme) + "://" + std::string(host);
  }
  return origin;
}

Cors::Cors(const std::vector<std::string>& allowed, Site site) : site_(std::move(site)) {
  for (const auto& entry : allowed) {
    if (auto origin = normal_origin(entry)) allowed_.push_back(std::move(*origin));
  }
}

bool Cors::is_own(const std::string& origin, const HttpRequest& request) const {
  const auto client = ordercast::net::client_of(request, site_.trusted_proxies);
  const auto peer = ordercast::net::ClientAddress::parse_node(request.remote_address);
  const bool by_proxy = peer && site_.trusted_proxies.contains(*peer);
  std::string scheme = client.scheme;
  if (scheme.empty() && !by_proxy) scheme = site_.scheme;
  if (scheme.empty()) scheme = origin.substr(0, origin.find(':'));
  if (scheme != "http" && scheme != "https") return false;
  const std::string host(client.host.empty() ? request.header("Host") : client.host);
  return normal_origin(scheme + "://" + host) == origin;
}

bool Cors::allows(const HttpRequest& request) const {
  const auto origins = count_of(request, "Origin");
  if (origins == 0) return true;
  if (origins > 1) return false;
  const auto origin = normal_origin(request.header("Origin"));
  if (!origin) return false;
  if (is_own(*origin, request)) return true;
  if (std::find(allowed_.begin(), allowed_.end(), *origin) != allowed_.end()) return true;
  const auto host = origin->substr(origin->find("://") + 3);
  return site_.on_loopback && origin->compare(0, 4, "http") == 0 && is_loopback_host(host);
}

bool Cors::is_preflight(const HttpRequest& request) noexcept {
  return request.method == "OPTIONS" && count_of(request, "Origin") > 0 &&
         count_of(request, "Access-Control-Request-Method") > 0;
}

HttpResponse Cors::preflight(const HttpRequest& request) const {
  if (!allows(request)) return problem(403, "This origin is not allowed");
  HttpResponse response{204, {}, {}};
  response.headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE"});
  response.headers.push_back(
      {"Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key"});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
  return response;
}

void Cors::decorate(const HttpRequest& request, HttpResponse& response) const {
  // A cache must never give one origin's answer to another.
  response.headers.push_back({"Vary", "Origin"});
  if (count_of(request, "Origin") == 0 || !allows(request)) return;
  response.headers.push_back(
      {"Access-Control-Allow-Origin", std::string(request.header("Origin"))});
  response.headers.push_back({"Access-Control-Expose-Headers", "Retry-After"});
}

}  // namespace order_server
