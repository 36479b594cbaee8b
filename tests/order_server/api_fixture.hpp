// SPDX-License-Identifier: MIT
#pragma once

#include "api/api.hpp"
#include "api/context.hpp"
#include "domain/ids.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "temp_store.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The API without sockets and threads: requests are values, lanes run at once, and a test moves
/// the time.
namespace order_server {

using nlohmann::json;
using ordercast::HttpHeader;
using ordercast::HttpRequest;
using ordercast::HttpResponse;

inline constexpr const char* test_jwt_secret = "a secret of the tests, 32 bytes or more";
inline constexpr const char* test_razorpay_secret = "a key secret of the tests";
inline constexpr const char* test_webhook_secret = "a webhook secret of the tests";

inline User make_user(const std::string& id, Role role, const std::string& organization = {},
                      const std::string& password_hash = "none") {
  return {id, id + "@example.com", "User " + id, password_hash, role, organization};
}

inline std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& field : response.headers) {
    if (ordercast::iequals(field.name, name)) return field.value;
  }
  return {};
}

inline std::size_t count_headers(const HttpResponse& response, std::string_view name) {
  std::size_t count = 0;
  for (const auto& field : response.headers) {
    if (ordercast::iequals(field.name, name)) ++count;
  }
  return count;
}

/// The whole API on two organisations with a store each, staff and customers.
class ApiFixture {
 public:
  ApiFixture() {
    store.add_shop({"store-1", "org-1", "Corner Shop"});
    store.add_shop({"store-2", "org-2", "Green Basket"});
    store.add_product({"tea", "store-1", "Tea", 28550});
    store.add_product({"milk", "store-1", "Milk", 6800});
    store.add_product({"bread", "store-2", "Bread", 18000});
    for (const auto& user : {admin, manager, rider, manager2}) store.add_user(user);
    customer.password_hash = hasher.hash("customer123");
    customer2.password_hash = hasher.hash("customer123");
    for (const auto& user : {customer, customer2}) store.add_user(user);
  }

  [[nodiscard]] std::string token_of(const User& user) const { return tokens.issue_access(user); }

  HttpResponse send(HttpRequest request) {
    std::optional<HttpResponse> answer;
    int answers = 0;
    api.handle(std::move(request), [&](HttpResponse response) {
      answer = std::move(response);
      ++answers;
    });
    if (answers != 1) throw std::logic_error("a request needs exactly one answer");
    return *answer;
  }

  /// `body` as text; "" sends none.
  HttpResponse call_with_token(const std::string& method, const std::string& target,
                               const std::string& token, const std::string& body = {},
                               std::vector<HttpHeader> headers = {}) {
    if (!token.empty()) headers.push_back({"Authorization", "Bearer " + token});
    if (!body.empty()) headers.push_back({"Content-Type", "application/json"});
    return send({method, target, std::move(headers), body, "127.0.0.1"});
  }

  HttpResponse call(const std::string& method, const std::string& target, const User& user,
                    const json& body = nullptr) {
    return call_with_token(method, target, token_of(user), body.is_null() ? "" : body.dump());
  }

  HttpResponse call_anonymously(const std::string& method, const std::string& target,
                                const json& body = nullptr) {
    return call_with_token(method, target, "", body.is_null() ? "" : body.dump());
  }

  [[nodiscard]] json order_request(const std::string& store_id = "store-1") const {
    return {{"storeId", store_id},
            {"items", {{{"productId", store_id == "store-1" ? "tea" : "bread"}, {"quantity", 2}}}},
            {"paymentMethod", "ONLINE"},
            {"fulfillmentType", "DELIVERY"},
            {"deliveryAddress", "1 Quiet Street"}};
  }

  /// Places an order of that customer and returns the API's answer.
  json place_order(const User& owner, const std::string& store_id = "store-1") {
    const auto response = call("POST", "/api/v1/orders", owner, order_request(store_id));
    if (response.status != 201) throw std::logic_error(response.body);
    return json::parse(response.body).at("data");
  }

  HttpResponse set_status(const std::string& id, const std::string& status, const User& user) {
    return call("PATCH", "/api/v1/orders/" + id + "/status", user, {{"status", status}});
  }

  std::int64_t stored_version(const std::string& id) {
    return static_cast<std::int64_t>(store.find_order(id).value().version);
  }

  TempDir directory;
  SqliteStore store{[this] {
    auto options = options_for(directory.file());
    options.durability = Durability::process_crash;
    return options;
  }()};
  Metrics metrics;
  PasswordHasher hasher{minimal_hash_cost};
  LoginLimiter login_limiter;

  std::chrono::system_clock::time_point wall = std::chrono::system_clock::now();
  ordercast::TimePoint steady{std::chrono::hours(1)};
  Tokens tokens{[this] {
    TokenOptions options;
    options.secret = test_jwt_secret;
    options.now = [this] { return wall; };
    return options;
  }()};

  int commits = 0;
  std::vector<std::string> billed;  ///< Orders sent to the payment provider.
  ProviderOrder provider_order{"order_from_provider", {}};
  std::vector<std::pair<std::string, std::string>> disconnected;
  std::optional<Lane> full_lane;     ///< This lane refuses every job.
  std::function<void()> before_job;  ///< Called after a job is queued and before it runs.
  std::vector<Lane> lanes_used;
  std::vector<std::string> owners;  ///< The owners of the jobs on those lanes.

  ApiContext context{
      store,
      store,
      store,
      tokens,
      hasher,
      login_limiter,
      metrics,
      test_razorpay_secret,
      hasher.hash("nobody's password"),
      [this] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch())
            .count();
      },
      [this] { return steady; },
      [this] { ++commits; },
      [this](std::string user_id, std::string reason) {
        disconnected.emplace_back(std::move(user_id), std::move(reason));
        return std::optional<std::size_t>(disconnected.size());
      },
      [this](std::string user_id, const std::string& session_id, const std::string& /*reason*/) {
        disconnected.emplace_back(std::move(user_id), "session " + session_id);
        return std::optional<std::size_t>(1);
      },
      [] { return std::vector<std::pair<std::string, std::size_t>>{}; },
      [] { return PushStats{}; },
      {"", test_webhook_secret, PaymentMode::live, [this](const Order& order) {
         billed.push_back(order.id);
         return provider_order;
       }}};

  AddressRules address_rules{{2, 4}, {1, 3}, [] {
                               ordercast::net::AddressList trusted;
                               trusted.add("10.0.0.0/24");
                               return trusted;
                             }()};
  Api api{context,
          [] {
            auto routes = all_api_routes();
            for (const auto& route : ops_routes()) routes.push_back(route);
            return routes;
          }(),
          Cors({"https://shop.example"}), address_rules,
          [this](Lane lane, const Job& job) {
            if (lane == full_lane) return false;
            lanes_used.push_back(lane);
            owners.push_back(job.owner);
            if (before_job) before_job();
            job.run();
            return true;
          }};

  const User admin = make_user("admin", Role::super_admin);
  const User manager = make_user("manager", Role::org_admin, "org-1");
  const User rider = make_user("rider", Role::rider, "org-1");
  const User manager2 = make_user("manager2", Role::org_admin, "org-2");
  User customer = make_user("customer", Role::customer);
  User customer2 = make_user("customer2", Role::customer);
};

inline json data_of(const HttpResponse& response) {
  return json::parse(response.body).at("data");
}

/// The tokens of one sign-in.
struct SignIn {
  std::string access;
  std::string refresh;
};

inline SignIn sign_in(ApiFixture& fixture, const std::string& email = "customer@example.com") {
  const auto response = fixture.call_anonymously("POST", "/api/v1/auth/login",
                                                 {{"email", email}, {"password", "customer123"}});
  const auto data = data_of(response);
  return {data["accessToken"], data["refreshToken"]};
}

}  // namespace order_server
