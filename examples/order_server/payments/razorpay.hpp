// SPDX-License-Identifier: MIT
#pragma once

#include "domain/order.hpp"
#include "net/http_client.hpp"
#include "payments/refund_worker.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// Client of the payment provider's Orders API.
namespace order_server {

/// An order at the provider, or why there is none.
struct ProviderOrder {
  std::string id;     ///< Empty if there is none.
  std::string error;  ///< For the log; contains no secret.
};

struct RazorpayOptions {
  std::string base_url = "https://api.razorpay.com";
  std::string key_id;
  std::string key_secret;
  HttpClientOptions http;
};

/// Creates orders with POST /v1/orders. Sums are in hundredths of a currency unit, like ours. Any
/// thread; blocks until the provider answers, at most `http.timeout`. Concurrent calls use separate
/// connections, which later calls reuse.
class Razorpay {
 public:
  explicit Razorpay(RazorpayOptions options) : options_(std::move(options)) {}
  Razorpay(const Razorpay&) = delete;
  Razorpay& operator=(const Razorpay&) = delete;
  ~Razorpay() = default;

  [[nodiscard]] bool has_account() const noexcept { return !options_.key_id.empty(); }

  /// Sends the order's id as the receipt, so that an order can be identified at the provider even
  /// if a crash loses the provider's id.
  [[nodiscard]] ProviderOrder create_order(const Order& order);

 private:
  [[nodiscard]] HttpReply fetch(HttpCall call);

  const RazorpayOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;  // under mutex_
};

/// Refunds by POST /v1/payments/:id/refund, which are asked for once however often it is said: the
/// header X-Refund-Idempotency names the refund. One that is not done is looked at by GET. One
/// thread; blocks for at most `http.timeout`.
class RazorpayRefunds final : public RefundProvider {
 public:
  explicit RazorpayRefunds(RazorpayOptions options)
      : options_(std::move(options)), client_(options_.http) {}

  [[nodiscard]] RefundAnswer refund(const RefundJob& job,
                                    const std::atomic<bool>& is_stopping) override;

 private:
  [[nodiscard]] HttpCall call_to(const std::string& path) const;
  [[nodiscard]] HttpReply fetch(HttpCall call, const std::atomic<bool>& is_stopping);

  const RazorpayOptions options_;
  HttpClient client_;
};

/// Reads the provider's answer to a refund of that job.
[[nodiscard]] RefundAnswer read_refund(const HttpReply& reply, const RefundJob& job);

/// Reads the provider's answer to POST /v1/orders for `amount_minor`.
[[nodiscard]] ProviderOrder read_provider_order(const HttpReply& reply, std::int64_t amount_minor);

}  // namespace order_server
