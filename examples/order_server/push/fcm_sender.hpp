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

/// Pushes through Firebase Cloud Messaging's HTTP v1 API.
namespace order_server {

struct FcmOptions {
  std::string base_url = "https://fcm.googleapis.com";
  std::string token_url;         ///< "" is the one of the service account.
  std::size_t concurrency = 64;  ///< Messages on their way at once.
  HttpClientOptions http;
  std::function<std::chrono::system_clock::time_point()> wall_now = &std::chrono::system_clock::now;
  std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;
};

/// What FCM's answer to `messages:send` means.
[[nodiscard]] PushOutcome fcm_outcome(const HttpReply& reply);

/// Keeps one access token: asked for by a signed assertion when the first message needs it, renewed
/// while the old one is still good, and asked for again once when FCM says 401. Messages that come
/// before there is a token wait for it.
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
    bool is_second_try = false;  ///< Refused with 401 once.
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
  std::vector<Message> waiting_;  // for a token
  HttpClient http_;
};

}  // namespace order_server
