// SPDX-License-Identifier: MIT
#include "api.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace order_watch {
namespace {

using nlohmann::json;

/// Opens the answer's envelope: returns `data`, or why there is none.
Answer<json> open_envelope(const HttpAnswer& http) {
  if (http.status == 0) return {Outcome::failed, http.error, {}};
  auto body = json::parse(http.body, nullptr, false);
  if (http.status == 200 && body.is_object() && body.contains("data")) {
    return {Outcome::ok, {}, std::move(body["data"])};
  }
  std::string why = "HTTP " + std::to_string(http.status);
  if (body.is_object() && body.contains("message") && body["message"].is_string()) {
    why = printable(body["message"].get<std::string>());
  }
  if (http.status == 200) return {Outcome::failed, "not the answer of an order server", {}};
  // A refusal by a proxy or a captive portal does not come from the server, so it is only
  // temporary.
  const bool is_ours = body.is_object() && body.value("success", json()) == false &&
                       body.contains("error") && body["error"].is_string();
  if (!is_ours) return {Outcome::failed, std::move(why), {}};
  const bool is_passing =
      http.status < 400 || http.status >= 500 || http.status == 429 || http.status == 408;
  if (http.status == 401) return {Outcome::unauthorized, std::move(why), {}};
  return {is_passing ? Outcome::failed : Outcome::refused, std::move(why), {}};
}

template <class T, class Read>
HttpWorker::Done reading(std::function<void(Answer<T>)> done, Read read) {
  return [done = std::move(done), read](const HttpAnswer& http) {
    auto data = open_envelope(http);
    if (data.outcome != Outcome::ok) return done({data.outcome, std::move(data.why), {}});
    std::optional<T> value = read(data.value);
    if (!value) return done({Outcome::failed, "not the answer of an order server", {}});
    done({Outcome::ok, {}, std::move(*value)});
  };
}

std::string text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<Tokens> read_tokens(const json& data) {
  if (!data.is_object()) return std::nullopt;
  Tokens tokens{text(data, "accessToken"), text(data, "refreshToken")};
  if (tokens.access.empty()) return std::nullopt;
  return tokens;
}

/// Escapes a path segment (RFC 3986 section 2.1): ids come from the command line.
std::string escaped(std::string_view segment) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~";
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : segment) {
    if (plain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', hex[byte >> 4U], hex[byte & 15U]});
    }
  }
  return out;
}

}  // namespace

void Api::login(const std::string& email, const std::string& password,
                std::function<void(Answer<Tokens>)> done) {
  const json body = {{"email", email}, {"password", password}};
  const auto text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  http_.ask({"POST", base_url_ + "/api/v1/auth/login", {}, text},
            reading<Tokens>(std::move(done), read_tokens));
}

void Api::refresh(const std::string& refresh_token, std::function<void(Answer<Tokens>)> done) {
  const json body = {{"refreshToken", refresh_token}};
  http_.ask({"POST", base_url_ + "/api/v1/auth/refresh", {}, body.dump()},
            reading<Tokens>(std::move(done), read_tokens));
}

void Api::orders(const std::string& token, std::size_t most,
                 std::function<void(Answer<std::vector<Order>>)> done) {
  http_.ask(
      {"GET", base_url_ + "/api/v1/orders?page=1&pageSize=" + std::to_string(most), token, {}},
      reading<std::vector<Order>>(std::move(done),
                                  [most](const json& data) -> std::optional<std::vector<Order>> {
                                    if (!data.is_array()) return std::nullopt;
                                    std::vector<Order> orders;
                                    for (const auto& item : data) {
                                      auto order = parse_order(item.dump());
                                      if (order && orders.size() < most)
                                        orders.push_back(std::move(*order));
                                    }
                                    return orders;
                                  }));
}

void Api::order(const std::string& token, const std::string& id,
                std::function<void(Answer<Order>)> done) {
  http_.ask(
      {"GET", base_url_ + "/api/v1/orders/" + escaped(id), token, {}},
      reading<Order>(std::move(done), [](const json& data) { return parse_order(data.dump()); }));
}

}  // namespace order_watch
