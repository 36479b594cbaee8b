// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/models/client_server.hpp"
#include <ordercast/websocketpp/client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

/// The application of the client's model: it calls the client, destroys it or throws from within
/// its handlers, and knows which versions it has been given.
namespace ordercast::test {

template <class Source>
class ClientApplication {
 public:
  static constexpr unsigned calls = 12;  ///< Kinds of `call`.
  static constexpr unsigned max_message = 1000;

  ClientApplication(Source& source, MemoryNetwork& network, ClientServer& server, unsigned orders)
      : source_(source),
        network_(network),
        server_(server),
        orders_(orders),
        max_watched_(source.below(2) == 0 ? 4 : 100) {}

  /// Some ids need escapes, and some are as long as an id may be.
  static std::string id(unsigned number) {
    auto text = std::to_string(number);
    if (number % 7 == 3) text.append(R"("\é)");
    if (number % 5 == 4) text.append(max_order_id_bytes - text.size(), 'o');
    return text;
  }

  void create() {
    websocketpp::OrderSocketOptions options;
    options.url = "ws://memory/ws";
    options.machine.max_subscriptions = max_watched_;
    options.machine.max_remembered = orders_;
    options.max_message_bytes = max_message;
    const auto life = ++life_;
    seen_.clear();
    may_repeat_.clear();
    watched_.clear();
    told_ = client::State::idle;
    websocketpp::OrderSocketHandlers handlers;
    handlers.on_state = [this, life](client::State state, TimePoint) {
      begin(life);
      told_ = state;
      act();
    };
    handlers.on_order = [this, life](const client::OrderUpdate& order) {
      begin(life, true);
      on_order(order);
      act();
    };
    handlers.on_changed = [this, life](const client::OrderHint&) {
      begin(life);
      act();
    };
    handlers.on_error = [this, life](const client::ServerError& error) {
      begin(life, true);
      if (ends_subscription(error)) watched_.erase(error.order_id);
      act();
    };
    handlers.on_need_token = [this, life](client::NeedToken::Reason) {
      begin(life);
      needs_token_ = true;
      act();
    };
    handlers.on_poll = [this, life](client::Poll::Reason) {
      begin(life);
      act();
    };
    handlers.on_epoch = [this, life](const std::string&) {
      begin(life);
      seen_.clear();
      may_repeat_.clear();
      act();
    };
    handlers.on_ignored = [this, life](client::Ignored::Reason) {
      begin(life, true);
      act();
    };
    handlers.on_lost = [this, life](std::uint16_t, const std::string&) {
      begin(life);
      same(told_ == client::State::connecting || told_ == client::State::open,
           "why a connection ended is said before the state changes");
      act();
    };
    socket_ = std::make_unique<Socket>(network_.io, options, handlers);
  }

  void destroy() {
    ++life_;
    socket_.reset();
  }

  [[nodiscard]] bool exists() const noexcept { return socket_ != nullptr; }

  /// One of the application's calls.
  void call(unsigned which) {
    if (!socket_) return;
    const struct Calling {
      unsigned& count;
      explicit Calling(unsigned& counter) : count(++counter) {}
      Calling(const Calling&) = delete;
      Calling& operator=(const Calling&) = delete;
      ~Calling() { --count; }
    } calling{calls_};
    // A handler may destroy the object in the middle of its own function, as it may with `delete`.
    auto& socket = *socket_;
    switch (which) {
      case 0:
        is_at_rest_ = false;
        return socket.start(source_.below(4) == 0 ? std::string() : token(), soon());
      case 1:
        return socket.stop();
      case 2:
      case 3:
        return subscribe(socket, id(source_.below(orders_)));
      case 4: {
        const auto order_id = id(source_.below(orders_));
        watched_.erase(order_id);
        return socket.unsubscribe(order_id);
      }
      case 5: {  // Many at once.
        const auto first = source_.below(orders_);
        const auto count = source_.below(orders_);
        const auto life = life_;
        for (unsigned i = 0; i < count && life == life_; ++i) {
          subscribe(socket, id((first + i) % orders_));
        }
        return;
      }
      case 6:
        needs_token_ = false;
        return socket.set_token(token(), soon());
      case 7:
        needs_token_ = false;
        return source_.below(2) == 0 ? socket.token_failed() : socket.token_refused();
      case 8:
        return socket.set_visible(source_.below(2) == 0);
      case 9:
        return socket.wake();
      case 10: {
        const auto order_id = id(source_.below(orders_));
        return socket.fetched(order_id, server_.versions[order_id], "{}");
      }
      default:
        return subscribe(socket, std::string(source_.below(2) * 129, 'x'));
    }
  }
  /// What to do within the next handler: a call, or to destroy the client, or to throw, or both.
  void plan() {
    const auto which = source_.below(calls + 8);
    plans_.push_back(which < calls ? which : calls + which % 3);
  }
  void forget_plans() { plans_.clear(); }

  /// Starts with a good token and watches at least one order.
  void want_updates() {
    is_at_rest_ = false;
    socket_->start("token");
    watched_.insert(id(0));
    socket_->subscribe(id(0));
  }
  void answer_token() {
    if (!socket_) return;
    const bool is_refused = socket_->state() == client::State::refused;
    if (std::exchange(needs_token_, false) || is_refused) socket_->set_token("token");
  }

  /// Runs what waits to be called. What handlers have thrown comes out here.
  void pump() {
    for (unsigned left = 10'000; left > 0; --left) {
      network_.io.restart();
      try {
        if (network_.io.poll() == 0) return;
      } catch (const Thrown&) {
        ++caught_;
      }
    }
    throw Differs("it comes to rest");
  }

  void check() {
    same(thrown_ == caught_, "what a handler throws comes out of the loop");
    if (!socket_) return;
    same(socket_->subscriptions() <= max_watched_, "the bound of subscriptions");
    is_at_rest_ = told_ == client::State::idle;
    same(told_ == socket_->state(), "the application knows the state");
  }

  [[nodiscard]] std::uint64_t seen(const std::string& order_id) { return seen_[order_id]; }
  [[nodiscard]] bool has_all() {
    if (socket_->state() != client::State::open) return false;
    for (const auto& order_id : watched_) {
      const auto version = server_.versions.find(order_id);
      if (version != server_.versions.end() && seen_[order_id] != version->second) return false;
    }
    return true;
  }

 private:
  using Socket = websocketpp::BasicOrderSocket<MemoryClientConfig>;
  struct Thrown : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// A handler is called.
  void begin(std::uint64_t life, bool may_answer_call = false) const {
    same(life == life_, "nothing is called once the client is destroyed");
    if (may_answer_call) return;  // One from within a handler, perhaps.
    same(!is_at_rest_ || calls_ > 0, "nothing is called between idle and the next call");
  }
  void on_order(const client::OrderUpdate& order) {
    same(order.json.size() <= max_message, "an order is within the bound of a message");
    const auto seen = seen_[order.order_id];
    auto& repeats = may_repeat_[order.order_id];
    const bool is_repeat = repeats > 0 && order.version == seen;
    repeats -= is_repeat ? 1U : 0U;
    same(order.version > seen || is_repeat, "versions never go back");
    seen_[order.order_id] = order.version;
  }
  [[nodiscard]] static bool ends_subscription(const client::ServerError& error) {
    return error.code == to_string(ErrorCode::subscription_denied) ||
           error.code == to_string(ErrorCode::too_many_subscriptions) ||
           error.code == to_string(ErrorCode::bad_message);
  }

  /// What the application does next within a handler.
  void act() {
    if (plans_.empty()) return;
    const auto plan = plans_.front();
    plans_.pop_front();
    if (plan < calls) return call(plan);
    if (plan == calls + 1) destroy();
    if (plan > calls) {
      ++thrown_;
      throw Thrown("the application's");
    }
    destroy();
  }

  void subscribe(Socket& socket, const std::string& order_id) {
    const auto before = socket.subscriptions();
    const auto version = source_.below(2) == 0 ? 0 : seen_[order_id];
    watched_.insert(order_id);
    const auto life = life_;
    socket.subscribe(order_id, version);
    // A new one may get again what was seen before, but nothing older.
    if (life == life_ && socket.subscriptions() > before) ++may_repeat_[order_id];
  }
  std::string token() { return source_.below(8) == 0 ? "not for a header" : "token"; }
  std::optional<TimePoint> soon() {
    if (source_.below(2) == 0) return std::nullopt;
    return network_.now + std::chrono::seconds(source_.below(100));
  }

  Source& source_;
  MemoryNetwork& network_;
  ClientServer& server_;
  unsigned orders_;
  std::size_t max_watched_;
  std::unique_ptr<Socket> socket_;
  std::uint64_t life_ = 0;  ///< Of the client's object.
  client::State told_ = client::State::idle;
  bool needs_token_ = false;
  bool is_at_rest_ = false;  ///< Idle, and known to be.
  unsigned calls_ = 0;       ///< Of the application, going on.
  std::deque<unsigned> plans_;
  std::size_t thrown_ = 0;
  std::size_t caught_ = 0;
  std::set<std::string> watched_;
  std::map<std::string, unsigned> may_repeat_;
  std::map<std::string, std::uint64_t> seen_;
};

}  // namespace ordercast::test
