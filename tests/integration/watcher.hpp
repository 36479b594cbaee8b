// SPDX-License-Identifier: MIT
#pragma once

#include "../support/ws_client.hpp"
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// A WebSocket connection for tests: reads complete messages, in order, as JSON.
///
/// Tests never wait to see that something does *not* arrive. A test makes a later change that the
/// connection must get, reads up to it, and checks what came before: the server publishes in commit
/// order, and a connection's messages stay in order. Main thread only.
namespace ordercast::test {

using Message = std::function<bool(const Json&)>;

[[nodiscard]] inline Message update_of(const std::string& order_id) {
  return [order_id](const Json& message) {
    return text_of(message, "type") == "order:updated" && text_of(message, "orderId") == order_id;
  };
}

[[nodiscard]] inline Message update_of(const std::string& order_id, long long version) {
  return [order_id, version](const Json& message) {
    return update_of(order_id)(message) &&
           integer_of(member(message, "data"), "version") == version;
  };
}

[[nodiscard]] inline Message hint_of(const std::string& order_id) {
  return [order_id](const Json& message) {
    return text_of(message, "type") == "orders:changed" && text_of(message, "orderId") == order_id;
  };
}

[[nodiscard]] inline Message hint_of(const std::string& order_id, const std::string& status) {
  return [order_id, status](const Json& message) {
    return hint_of(order_id)(message) && text_of(message, "status") == status;
  };
}

[[nodiscard]] inline Message error_of(const std::string& code) {
  return [code](const Json& message) {
    return text_of(message, "type") == "error" && text_of(message, "code") == code;
  };
}

[[nodiscard]] inline long count(const std::vector<Json>& messages, const Message& wanted) {
  return static_cast<long>(std::count_if(messages.begin(), messages.end(), wanted));
}

class Watcher {
 public:
  Watcher(const OrderServer& server, const std::string& token) {
    REQUIRE(client_.connect("127.0.0.1", server.port(), ws_target(token)));
  }
  Watcher(const OrderServer& server, const Account& account) : Watcher(server, account.token) {}

  [[nodiscard]] WsClient& ws() noexcept { return client_; }

  void send(const Json& message) { REQUIRE(client_.send_text(message.dump())); }

  void subscribe(const std::string& order_id) {
    send({{"type", "subscribe"}, {"orderId", order_id}});
  }
  void subscribe(const std::string& order_id, long long since) {
    send({{"type", "subscribe"}, {"orderId", order_id}, {"since", since}});
  }
  void unsubscribe(const std::string& order_id) {
    send({{"type", "unsubscribe"}, {"orderId", order_id}});
  }

  /// Returns the next message. The test fails if there is none.
  Json next() {
    const auto text = client_.next_text(patience);
    REQUIRE(text.has_value());
    INFO(*text);
    auto message = parse_json(*text);
    REQUIRE(message.is_object());
    return message;
  }

  /// Returns all messages up to and including the first wanted one.
  std::vector<Json> read_until(const Message& wanted) {
    std::vector<Json> messages;
    do {
      messages.push_back(next());
    } while (!wanted(messages.back()));
    return messages;
  }

  /// Returns when the server has read everything sent so far. A subscription may still wait for its
  /// authorization.
  std::vector<Json> read_until_pong() {
    send({{"type", "ping"}});
    return read_until([](const Json& message) { return text_of(message, "type") == "pong"; });
  }

  /// Subscribes and returns when the subscription is granted: waits for the snapshot, since a pong
  /// would only show that the message was read.
  void follow(const std::string& order_id) {
    subscribe(order_id, 0);
    read_until(update_of(order_id));
  }

 private:
  WsClient client_;
};

}  // namespace ordercast::test
