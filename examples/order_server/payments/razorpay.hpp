// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"
#include "net/http_client.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// The payment provider's Orders API.
namespace order_server {

/// An order at the provider, or why there is none.
struct ProviderOrder {
  std::string id;     ///< "" when there is none.
  std::string error;  ///< For the log; holds no secret.
};

struct RazorpayOptions {
  std::string base_url = "https://api.razorpay.com";
  std::string key_id;
  std::string key_secret;
  HttpClientOptions http;
};

/// Creates orders by POST /v1/orders, with sums in hundredths of a currency unit, as ours are. Any
/// thread; blocks for as long as the provider takes, at most
/// `http.timeout`. Calls at one time have connections of their own, which later ones use again.
class Razorpay {
 public:
  explicit Razorpay(RazorpayOptions options) : options_(std::move(options)) {}
  Razorpay(const Razorpay&) = delete;
  Razorpay& operator=(const Razorpay&) = delete;
  ~Razorpay() = default;

  [[nodiscard]] bool has_account() const noexcept { return !options_.key_id.empty(); }

  /// The order's id is the receipt there, so that an order which was made and then forgotten by a
  /// crash can be told.
  [[nodiscard]] ProviderOrder create_order(const Order& order);

 private:
  [[nodiscard]] HttpReply fetch(HttpCall call);

  const RazorpayOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;  // under mutex_
};

/// What the provider's answer to POST /v1/orders for `amount_minor` means.
[[nodiscard]] ProviderOrder read_provider_order(const HttpReply& reply, std::int64_t amount_minor);

}  // namespace order_server
