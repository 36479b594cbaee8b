// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/heard.hpp"
#include "backplane/nats_server.hpp"
#include "backplane/tcp_proxy.hpp"
#include <ordercast/in_process_backplane.hpp>
#include <ordercast/nats/backplane.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The engines, as the conformance suite runs them: one stream, any number of nodes, and each node
/// can be cut off.
namespace ordercast::test {

struct InProcessEngine {
  struct Node {
    explicit Node(const std::shared_ptr<InProcessStream>& stream) : backplane(stream) {}
    void cut_off() { backplane.cut_off(); }
    void reconnect() { backplane.reconnect(); }
    InProcessBackplane backplane;
  };

  std::unique_ptr<Node> join() const { return std::make_unique<Node>(stream); }
  void purge() const { stream->purge(); }
  static constexpr bool can_carry_any_bytes = true;

  std::shared_ptr<InProcessStream> stream = std::make_shared<InProcessStream>();
};

/// Short times, so that tests that wait for an outage are fast.
[[nodiscard]] inline nats::Options quick_options(std::vector<std::string> servers) {
  nats::Options options;
  options.servers = std::move(servers);
  options.heartbeat = std::chrono::milliseconds(200);
  options.reconnect_wait = std::chrono::milliseconds(20);
  options.request_deadline = std::chrono::milliseconds(1000);
  options.publish_deadline = std::chrono::milliseconds(1000);
  return options;
}

struct NatsEngine {
  struct Node {
    explicit Node(std::uint16_t port) : proxy(port), backplane(quick_options({proxy.url()})) {}
    void cut_off() { proxy.refuse(); }
    void reconnect() { proxy.pass(); }
    TcpProxy proxy;
    nats::Backplane backplane;
  };

  NatsEngine() {
    if (!eventually([this] { return server.is_ready(); })) {
      throw std::runtime_error("nats-server does not start: " + server.log());
    }
  }

  [[nodiscard]] std::unique_ptr<Node> join() const { return std::make_unique<Node>(server.port()); }
  void purge() const {
    const nats::Connection connection(quick_options({server.url()}));
    if (js_PurgeStream(connection.jetstream(), "ORDERCAST", nullptr, nullptr) != NATS_OK) {
      throw std::runtime_error("the stream can't be purged");
    }
  }

  NatsServer server;
};

}  // namespace ordercast::test
