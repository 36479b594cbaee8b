// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

/// The backplane that the command line selects, with any engine.
namespace order_server {

/// The requirements of `ordercast::is_backplane` as virtual calls: one per change, none per
/// recipient.
class NodeBackplane {
 public:
  using Done = std::function<void(ordercast::BackplaneAnswer)>;

  NodeBackplane() = default;
  NodeBackplane(const NodeBackplane&) = delete;
  NodeBackplane& operator=(const NodeBackplane&) = delete;
  virtual ~NodeBackplane() = default;

  virtual void publish(const ordercast::OrderEvent& event, Done done) = 0;
  virtual void publish(const ordercast::BackplaneNotice& notice, Done done) = 0;
  virtual void subscribe(ordercast::BackplaneReceiver receiver) = 0;
  [[nodiscard]] virtual bool hears() const = 0;
  virtual void stop() = 0;
};

template <class Engine>
class NodeBackplaneOn final : public NodeBackplane {
 public:
  static_assert(ordercast::detail::check_backplane<Engine>());

  template <class... Args>
  explicit NodeBackplaneOn(Args&&... args) : engine_(std::forward<Args>(args)...) {}

  void publish(const ordercast::OrderEvent& event, Done done) override {
    engine_.publish(event, std::move(done));
  }
  void publish(const ordercast::BackplaneNotice& notice, Done done) override {
    engine_.publish(notice, std::move(done));
  }
  void subscribe(ordercast::BackplaneReceiver receiver) override {
    engine_.subscribe(std::move(receiver));
  }
  [[nodiscard]] bool hears() const override { return engine_.hears(); }
  void stop() override { engine_.stop(); }

  [[nodiscard]] Engine& engine() noexcept { return engine_; }

 private:
  Engine engine_;
};

}  // namespace order_server
