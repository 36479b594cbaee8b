// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/order_client.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/websocketpp/detail/byte_order.hpp>
#include <ordercast/websocketpp/detail/client_config.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

/// A client with a real socket: `client::OrderClient` over websocketpp and Asio.
///
/// It runs on your `io_context`, on one thread, beside whatever else runs there. Call all its
/// functions on that thread; calls from within its handlers are fine. It may be destroyed before
/// the `io_context`, even within one of its handlers: no handler is called any more, and the socket
/// finishes without it.
///
///     OrderSocket socket(io, {"ws://127.0.0.1:7001/ws"}, handlers);
///     socket.subscribe("order-1");
///     socket.start(token);
///     io.run();
///
/// websocketpp's own Asio transport is used here, not ours for servers: a client has one socket, so
/// what that transport costs a connection doesn't matter, and it speaks TLS (client_tls.hpp).
namespace ordercast::websocketpp {

struct OrderSocketOptions {
  /// `ws://HOST[:PORT]/PATH`; `wss://` with client_tls.hpp. The token never becomes part of it.
  std::string url;
  client::Options machine = {};
  /// A larger message ends the connection with 1009.
  std::size_t max_message_bytes = 1024 * 1024;
};

/// The events for the application. Each handler may be empty. What a handler throws leaves
/// `io_context::run`, and disturbs nothing else.
struct OrderSocketHandlers {
  /// `retry_at` has a meaning only with `State::waiting`.
  std::function<void(client::State state, TimePoint retry_at)> on_state;
  std::function<void(const client::OrderUpdate&)> on_order;
  std::function<void(const client::OrderHint&)> on_changed;
  std::function<void(const client::ServerError&)> on_error;
  /// Answer with `set_token`, `token_failed` or `token_refused`, now or later.
  std::function<void(client::NeedToken::Reason)> on_need_token;
  std::function<void(client::Poll::Reason)> on_poll;
  /// The server has another store: order versions that the application has kept mean nothing any
  /// more.
  std::function<void(const std::string& epoch)> on_epoch;
  std::function<void(client::Ignored::Reason)> on_ignored;
  /// Says why the connection ended, before the state changes; not after `stop`. The text is for
  /// people and contains no part of a token.
  std::function<void(std::uint16_t code, const std::string& why)> on_lost;
};

namespace detail {

/// True for text that a header field (RFC 9110 section 5.5) can carry as a token.
[[nodiscard]] inline bool is_header_safe(std::string_view text) noexcept {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return !text.empty();
}

/// Makes a close reason safe for a log: control characters become question marks. Expects valid
/// UTF-8.
[[nodiscard]] inline std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) text[i] = '?';
    // U+0080 to U+009F are two bytes.
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      text.replace(i, 2, "?");
    }
  }
  return text;
}

/// The part that lives on after the application's object, until the last socket is closed:
/// websocketpp's connections refer to their endpoint.
template <class Config>
class OrderSocketCore : public std::enable_shared_from_this<OrderSocketCore<Config>> {
 public:
  using Endpoint = ::websocketpp::client<Config>;
  using Surroundings = typename Config::Surroundings;

  OrderSocketCore(::asio::io_context& io, OrderSocketOptions options, OrderSocketHandlers handlers)
      : io_(io),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        machine_(options_.machine, typename Surroundings::Draw{}),
        timer_(io) {
    endpoint_.init_asio(&io);
    endpoint_.set_user_agent("ordercast");
    endpoint_.set_max_message_size(options_.max_message_bytes);
  }

  [[nodiscard]] Endpoint& endpoint() noexcept { return endpoint_; }
  [[nodiscard]] client::OrderClient& machine() noexcept { return machine_; }
  [[nodiscard]] static TimePoint now() noexcept { return Surroundings::now(); }

  /// Carries out effects in order, those that come from within handlers included.
  void carry_out(client::Effects effects) {
    effects_.insert(effects_.end(), std::make_move_iterator(effects.begin()),
                    std::make_move_iterator(effects.end()));
    if (is_carrying_out_) return;
    const auto self = this->shared_from_this();  // A handler may destroy the application's object.
    is_carrying_out_ = true;
    const struct Done {
      bool& flag;
      explicit Done(bool& set) : flag(set) {}
      Done(const Done&) = delete;
      Done& operator=(const Done&) = delete;
      ~Done() { flag = false; }
    } done{is_carrying_out_};
    while (!effects_.empty()) {
      const auto effect = std::move(effects_.front());
      effects_.pop_front();
      std::visit([this](const auto& e) { this->handle(e); }, effect);
    }
    arm_timer();
  }

  /// The application's object is being destroyed: no handler is called any more.
  void retire() noexcept {
    handlers_ = {};
    try {
      carry_out(machine_.stop());
    } catch (...) {  // Out of memory: the peer notices when the `io_context` is destroyed.
      effects_.clear();
    }
    timer_.cancel();
  }

 private:
  using ConnectionPtr = typename Endpoint::connection_ptr;

  void handle(const client::Connect& connect);
  void handle(const client::Send& send) {
    ::websocketpp::lib::error_code error;
    if (connection_) error = connection_->send(send.text, ::websocketpp::frame::opcode::text);
    // A socket that accepts nothing is closing; its close handler follows.
  }
  void handle(const client::Close& close) {
    const auto connection = std::exchange(connection_, nullptr);
    ::websocketpp::lib::error_code not_open_yet;  // Then its own timeouts end it.
    if (connection) connection->close(close.code, "", not_open_yet);
    number_ = 0;  // What becomes of it concerns nobody any more.
    if (close.code != ::websocketpp::close::status::normal) {
      tell(handlers_.on_lost, std::uint16_t{1006}, std::string("the server doesn't answer"));
    }
  }
  void handle(const client::StateChanged& changed) {
    tell(handlers_.on_state, changed.state, changed.retry_at);
  }
  void handle(const client::NeedToken& need) { tell(handlers_.on_need_token, need.reason); }
  void handle(const client::Poll& poll) { tell(handlers_.on_poll, poll.reason); }
  void handle(const client::Ignored& ignored) { tell(handlers_.on_ignored, ignored.reason); }
  void handle(const client::OrderUpdate& order) { tell(handlers_.on_order, order); }
  void handle(const client::EpochChanged& changed) { tell(handlers_.on_epoch, changed.epoch); }
  void handle(const client::OrderHint& hint) { tell(handlers_.on_changed, hint); }
  void handle(const client::ServerError& error) { tell(handlers_.on_error, error); }

  template <class F, class... Args>
  void tell(const F& handler, const Args&... args) {
    if (!handler) return;
    const auto copy = handler;  // The handler may destroy its owner.
    try {
      copy(args...);
    } catch (...) {
      throw_later();
    }
  }

  void lost(client::ConnectionId connection, std::uint16_t code, const std::string& reason,
            const std::string& why) {
    if (connection == number_) {
      connection_.reset();
      tell(handlers_.on_lost, code, why);
    }
    carry_out(machine_.on_closed(now(), connection, code, reason));
  }
  void opened(client::ConnectionId number, const ConnectionPtr& connection);
  void failed(client::ConnectionId number, const ConnectionPtr& connection);
  void closed(client::ConnectionId number, const ConnectionPtr& connection);

  /// Throws the current exception again where that does no harm: a sequence of effects must not
  /// stop half-way, and websocketpp loses its own state when a handler throws.
  void throw_later() {
    ::asio::post(io_, [error = std::current_exception()] { std::rethrow_exception(error); });
  }

  /// Without memory for the report of an error, the process ends.
  template <class F>
  void guarded(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      throw_later();
    }
  }

  void arm_timer() {
    const auto deadline = machine_.deadline();
    if (deadline == armed_for_) return;
    armed_for_ = deadline;
    timer_.cancel();
    if (!deadline) return;
    timer_.expires_at(*deadline);
    timer_.async_wait([weak = this->weak_from_this()](const std::error_code& cancelled) {
      const auto self = weak.lock();
      if (cancelled || !self) return;
      self->armed_for_.reset();
      self->carry_out(self->machine_.on_timer(now()));
    });
  }

  ::asio::io_context& io_;
  OrderSocketOptions options_;
  OrderSocketHandlers handlers_;
  client::OrderClient machine_;
  Endpoint endpoint_;
  ConnectionPtr connection_;
  client::ConnectionId number_ = 0;  ///< Of the connection that isn't given up.
  typename Surroundings::Timer timer_;
  std::optional<TimePoint> armed_for_;
  std::deque<client::Effect> effects_;
  bool is_carrying_out_ = false;
};

template <class Config>
void OrderSocketCore<Config>::handle(const client::Connect& connect) {
  using ::websocketpp::connection_hdl;
  number_ = connect.connection;
  if (!is_header_safe(connect.token)) {
    return lost(number_, 4001, "", "the token can't be part of a header");
  }
  ::websocketpp::lib::error_code error;
  const auto connection = endpoint_.get_connection(options_.url, error);
  if (error) return lost(number_, 1006, "", error.message());
  connection->append_header("Authorization", "Bearer " + connect.token);
  connection->add_subprotocol(std::string(subprotocol_v2_name), error);
  connection->add_subprotocol(std::string(subprotocol_name), error);

  // The handlers keep this object alive until the connection fails or closes.
  const auto self = this->shared_from_this();
  const auto number = number_;
  const std::weak_ptr<typename ConnectionPtr::element_type> weak = connection;
  connection->set_open_handler([self, number, weak](const connection_hdl&) {
    self->guarded([&] { self->opened(number, weak.lock()); });
  });
  connection->set_message_handler([self, number](const connection_hdl&, const auto& message) {
    if (message->get_opcode() != ::websocketpp::frame::opcode::text) return;
    self->guarded(
        [&] { self->carry_out(self->machine_.on_message(now(), number, message->get_payload())); });
  });
  connection->set_fail_handler([self, number, weak](const connection_hdl&) {
    self->guarded([&] { self->failed(number, weak.lock()); });
  });
  connection->set_close_handler([self, number, weak](const connection_hdl&) {
    self->guarded([&] { self->closed(number, weak.lock()); });
  });
  connection_ = connection;
  endpoint_.connect(connection);
}

template <class Config>
void OrderSocketCore<Config>::opened(client::ConnectionId number, const ConnectionPtr& connection) {
  if (connection == connection_) {
    const bool is_second_version = connection->get_subprotocol() == subprotocol_v2_name;
    return carry_out(machine_.on_opened(now(), number, is_second_version));
  }
  // The connection was given up before it could be closed.
  ::websocketpp::lib::error_code closing;
  if (connection) connection->close(::websocketpp::close::status::going_away, "", closing);
}

/// The handshake failed.
template <class Config>
void OrderSocketCore<Config>::failed(client::ConnectionId number, const ConnectionPtr& connection) {
  if (!connection) return;
  const int status = static_cast<int>(connection->get_response_code());
  // 0 and 101 mean that the failure is not the server's answer.
  const bool has_answer = status != 0 && status != 101;
  lost(number, 1006, "",
       has_answer ? "HTTP " + std::to_string(status) : connection->get_ec().message());
}

template <class Config>
void OrderSocketCore<Config>::closed(client::ConnectionId number, const ConnectionPtr& connection) {
  if (!connection) return;
  const auto code = connection->get_remote_close_code();
  const auto reason = printable(connection->get_remote_close_reason());
  const bool was_said = code != ::websocketpp::close::status::abnormal_close;
  lost(number, code, reason,
       was_said ? "closed with " + std::to_string(code) + (reason.empty() ? "" : ": " + reason)
                : "the connection broke");
}

}  // namespace detail

template <class Config>
class BasicOrderSocket {
 public:
  BasicOrderSocket(::asio::io_context& io, OrderSocketOptions options, OrderSocketHandlers handlers)
      : core_(std::make_shared<Core>(io, std::move(options), std::move(handlers))) {
    detail::settle_byte_order();
  }
  BasicOrderSocket(const BasicOrderSocket&) = delete;
  BasicOrderSocket& operator=(const BasicOrderSocket&) = delete;
  ~BasicOrderSocket() { core_->retire(); }

  /// See `client::OrderClient` for what each does.
  void start(std::string token = {}, std::optional<TimePoint> renew_at = {}) {
    core_->carry_out(machine().start(core_->now(), std::move(token), renew_at));
  }
  void stop() { core_->carry_out(machine().stop()); }
  void subscribe(std::string_view order_id, std::uint64_t version = 0) {
    core_->carry_out(machine().subscribe(order_id, version));
  }
  void unsubscribe(std::string_view order_id) { core_->carry_out(machine().unsubscribe(order_id)); }
  void fetched(std::string_view order_id, std::uint64_t version, std::string json) {
    core_->carry_out(machine().on_fetched(order_id, version, std::move(json)));
  }
  void set_token(std::string token, std::optional<TimePoint> renew_at = {}) {
    core_->carry_out(machine().on_token(core_->now(), std::move(token), renew_at));
  }
  void token_failed() { core_->carry_out(machine().on_token_failed(core_->now())); }
  void token_refused() { core_->carry_out(machine().on_token_refused(core_->now())); }
  void set_visible(bool is_visible) { core_->carry_out(machine().on_presence(is_visible)); }
  void wake() { core_->carry_out(machine().on_wake(core_->now())); }

  [[nodiscard]] client::State state() const noexcept { return core_->machine().state(); }
  [[nodiscard]] std::size_t subscriptions() const noexcept {
    return core_->machine().subscriptions();
  }

 protected:
  using Core = detail::OrderSocketCore<Config>;
  [[nodiscard]] Core& core() noexcept { return *core_; }

 private:
  [[nodiscard]] client::OrderClient& machine() noexcept { return core_->machine(); }

  std::shared_ptr<Core> core_;
};

/// The client over plain TCP: `ws://`.
using OrderSocket = BasicOrderSocket<detail::ClientConfig<::websocketpp::config::asio_client>>;

}  // namespace ordercast::websocketpp
