// SPDX-License-Identifier: MIT
#pragma once

#include "net/http_client.hpp"
#include "push/push_sender.hpp"
#include "push/service_account.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Sends pushes through the HTTP v1 API of Firebase Cloud Messaging (FCM).
namespace order_server {

struct FcmOptions {
  std::string base_url = "https://fcm.googleapis.com";
  std::string token_url;         ///< Empty: the service account's.
  std::size_t concurrency = 64;  ///< Most messages in flight.
  HttpClientOptions http;
  std::function<std::chrono::system_clock::time_point()> wall_now = &std::chrono::system_clock::now;
  std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;
};

/// Reads FCM's answer to `messages:send`.
[[nodiscard]] PushOutcome fcm_outcome(const HttpReply& reply);

/// Sends with one access token. Requests it with a signed assertion when the first message needs
/// it, renews it before it expires, and requests a new one once if FCM answers 401. Messages wait
/// while there is no token.
class FcmSender final : public PushSender {
 public:
  FcmSender(ServiceAccount account, FcmOptions options);

  [[nodiscard]] std::size_t capacity() const noexcept override { return options_.concurrency; }
  void start(const PushJob& job, Done done) override;
  void poll(std::chrono::milliseconds timeout) override { http_.poll(timeout); }
  void wake() override { http_.wake(); }

 private:
  struct Message {
    std::string body;
    Done done;
    bool is_second_try = false;  ///< FCM has refused it with 401 once.
  };
  struct AccessToken {
    std::string text;
    std::chrono::steady_clock::time_point renew_at;
    std::chrono::steady_clock::time_point expires_at;
  };

  void submit(Message message);
  void send(Message message);
  void on_sent(Message message, const std::string& token, const HttpReply& reply);
  void ask_for_token();
  void on_token(const HttpReply& reply);

  const ServiceAccount account_;
  const FcmOptions options_;
  const std::string send_url_;
  std::optional<AccessToken> token_;
  bool is_asking_ = false;
  std::vector<Message> waiting_;  // wait for a token
  HttpClient http_;
};

}  // namespace order_server
