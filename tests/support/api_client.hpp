// SPDX-License-Identifier: MIT
#pragma once

#include "json_helpers.hpp"
#include "ws_client.hpp"

#include <cstdint>
#include <string>
#include <utility>

/// The order server's REST API as tests call it: one connection a request, on loopback.
///
/// A value that is cheap to copy; distinct objects may be used from any thread. Nothing throws: no
/// answer is status 0.
namespace ordercast::test {

/// An HTTP answer with its body read as JSON (null when it is none).
struct ApiReply : HttpReply {
  Json json;

  [[nodiscard]] const Json& data() const& { return member(json, "data"); }
  /// By value, so that `for (auto& x : client.get(...).data())` does not read a reply that is gone.
  [[nodiscard]] Json data() && { return member(json, "data"); }
};

class ApiClient {
 public:
  /// Sends no Authorization header when `token` is empty.
  explicit ApiClient(std::uint16_t port, std::string token = {})
      : port_(port), token_(std::move(token)) {}

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  [[nodiscard]] ApiReply get(const std::string& target, const Headers& extra = {}) const {
    return call("GET", target, {}, extra);
  }
  [[nodiscard]] ApiReply post(const std::string& target, const Json& body,
                              const Headers& extra = {}) const {
    return call("POST", target, body.dump(), extra);
  }
  [[nodiscard]] ApiReply patch(const std::string& target, const Json& body) const {
    return call("PATCH", target, body.dump());
  }
  [[nodiscard]] ApiReply remove(const std::string& target, const Json& body) const {
    return call("DELETE", target, body.dump());
  }

  [[nodiscard]] ApiReply login(const std::string& email, const std::string& password) const {
    return post("/api/v1/auth/login", {{"email", email}, {"password", password}});
  }
  [[nodiscard]] ApiReply order(const std::string& id) const { return get("/api/v1/orders/" + id); }
  [[nodiscard]] ApiReply set_status(const std::string& id, const std::string& status,
                                    const std::string& note = {}) const {
    Json body = {{"status", status}};
    if (!note.empty()) body["note"] = note;
    return patch("/api/v1/orders/" + id + "/status", body);
  }
  [[nodiscard]] ApiReply cancel(const std::string& id) const {
    return post("/api/v1/orders/" + id + "/cancel", Json::object());
  }
  [[nodiscard]] ApiReply verify_payment(const std::string& id, const std::string& razorpay_order_id,
                                        const std::string& payment_id,
                                        const std::string& signature) const {
    return post("/api/v1/orders/" + id + "/payment/verify",
                {{"razorpay_order_id", razorpay_order_id},
                 {"razorpay_payment_id", payment_id},
                 {"razorpay_signature", signature}});
  }

  /// The request's bytes, for tests that send it now and read the answer later.
  [[nodiscard]] std::string request_text(const std::string& method, const std::string& target,
                                         const std::string& body, const Headers& extra = {}) const {
    Headers headers = {{"Connection", "close"}};
    if (!token_.empty()) headers.emplace_back("Authorization", "Bearer " + token_);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    headers.insert(headers.end(), extra.begin(), extra.end());
    return http_request_text(method, target, headers, body);
  }

  [[nodiscard]] ApiReply call(const std::string& method, const std::string& target,
                              const std::string& body = {}, const Headers& extra = {}) const {
    ApiReply reply;
    RawSocket socket;
    if (socket.connect("127.0.0.1", port_) &&
        socket.send_bytes(request_text(method, target, body, extra))) {
      static_cast<HttpReply&>(reply) = read_http_reply(socket, method == "HEAD");
      reply.json = parse_json(reply.body);
    }
    return reply;
  }

 private:
  std::uint16_t port_;
  std::string token_;
};

/// Whether a request was refused for what stands in it.
[[nodiscard]] inline bool refused_as_bad(const ApiReply& reply) {
  return reply.status == 400 || reply.status == 422;
}

[[nodiscard]] inline std::string id_of(const Json& order) {
  return text_of(order, "id");
}

}  // namespace ordercast::test
