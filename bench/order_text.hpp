// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

/// The order that the servers of the benchmarks send. All send the same bytes, so that only the
/// path to the socket differs. Thread-safe.
namespace ordercast::bench {

using Json = nlohmann::ordered_json;

/// Now, as ISO 8601 in UTC with milliseconds.
inline std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::string text(20, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  const auto rest = std::to_string(1000 + milliseconds % 1000);
  return text + '.' + rest.substr(1) + 'Z';
}

inline constexpr const char* order_organization = "org-1";

/// The owner of an order that its first change created.
inline std::string order_owner(const std::string& id) {
  return "u-" + id;
}

/// A full order of the usual size: about 560 bytes with a short id and no note.
inline std::string order_text(const std::string& id, const std::string& status,
                              const std::string& note, std::uint64_t version) {
  const auto now = timestamp();
  const Json item = {{"id", id + "-1"}, {"productId", "product-1"}, {"name", "Rice 5 kg"},
                     {"quantity", 2},   {"unitPrice", "61.50"},     {"totalPrice", "123.00"}};
  const Json log = {{"id", "log-1"}, {"status", status}, {"note", nullptr}, {"createdAt", now}};
  const Json order = {{"id", id},
                      {"userId", order_owner(id)},
                      {"storeId", "store-1"},
                      {"organizationId", order_organization},
                      {"status", status},
                      {"paymentStatus", "PENDING"},
                      {"paymentMethod", "COD"},
                      {"fulfillmentType", "DELIVERY"},
                      {"totalAmount", "123.00"},
                      {"deliveryAddress", nullptr},
                      {"razorpayOrderId", nullptr},
                      {"note", note},
                      {"items", Json::array({item})},
                      {"statusLogs", Json::array({log})},
                      {"version", version},
                      {"createdAt", now},
                      {"updatedAt", now}};
  return order.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ordercast::bench
