// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/config/core_client.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/random/none.hpp>
#include <websocketpp/transport/base/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Sockets, timers and chance without a system: what `BasicOrderSocket` runs on in the model of a
/// client. Everything that waits is called by `io`, as Asio does it, never from within the call
/// that began it.
namespace ordercast::test {

/// A client's socket, and the server's end of it.
struct Line {
  std::string sent;      ///< By the client; the server takes it.
  std::string received;  ///< On its way to the client.
  bool refused = false;  ///< The connect failed.
  bool ended = false;    ///< By the server: nothing comes behind `received`.
  bool is_shut = false;  ///< By the client.

  std::function<void(bool refused)> on_connected;  ///< While the client connects.
  std::function<void(std::error_code, std::size_t)> on_read;
  char* buffer = nullptr;
  std::size_t least = 0;
  std::size_t most = 0;
};

class MemoryNetwork {
 public:
  using Alarm = std::function<void(bool cancelled)>;
  using AlarmId = std::uint64_t;

  MemoryNetwork() { current() = this; }
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;
  MemoryNetwork(MemoryNetwork&&) = delete;
  MemoryNetwork& operator=(MemoryNetwork&&) = delete;
  ~MemoryNetwork() { current() = nullptr; }

  /// The one of this thread.
  [[nodiscard]] static MemoryNetwork*& current() noexcept {
    thread_local MemoryNetwork* network = nullptr;
    return network;
  }

  [[nodiscard]] AlarmId set(TimePoint at, Alarm alarm) {
    alarms_.emplace(std::make_pair(at, ++last_alarm_), std::move(alarm));
    return last_alarm_;
  }
  void cancel(AlarmId id) {
    const auto found = std::find_if(alarms_.begin(), alarms_.end(),
                                    [id](const auto& alarm) { return alarm.first.second == id; });
    if (found != alarms_.end()) fire(found, true);
  }
  void advance(Duration by) {
    now += by;
    while (!alarms_.empty() && alarms_.begin()->first.first <= now) fire(alarms_.begin(), false);
  }
  /// Lets the time pass until the next alarm.
  void advance_to_alarm() {
    if (!alarms_.empty()) advance((std::max)(alarms_.begin()->first.first - now, Duration{}));
  }
  [[nodiscard]] std::size_t alarms() const noexcept { return alarms_.size(); }

  /// Uniform in [0, 1).
  [[nodiscard]] double draw() noexcept {
    chance_ = chance_ * 1103515245U + 12345U;
    return static_cast<double>(chance_ >> 16U) / 65536;
  }

  void connect(const std::shared_ptr<Line>& line) { lines.push_back(line); }
  /// The server's bytes go as far as the client reads.
  void deliver(Line& line) {
    if (!line.on_read) return;
    const bool is_enough = !line.received.empty() && line.received.size() >= line.least;
    if (!is_enough && !line.ended && !line.is_shut) return;
    const auto count = is_enough ? (std::min)(line.received.size(), line.most) : 0;
    std::copy_n(line.received.begin(), count, line.buffer);
    line.received.erase(0, count);
    const auto error =
        is_enough ? std::error_code{} : make_error_code(::websocketpp::transport::error::eof);
    ::asio::post(
        io, [read = std::exchange(line.on_read, nullptr), error, count] { read(error, count); });
  }

  ::asio::io_context io;
  TimePoint now = TimePoint{} + std::chrono::hours(100);
  std::vector<std::shared_ptr<Line>> lines;  ///< All that the server has not forgotten.

 private:
  using Alarms = std::map<std::pair<TimePoint, AlarmId>, Alarm>;

  void fire(Alarms::iterator alarm, bool cancelled) {
    ::asio::post(io, [call = std::move(alarm->second), cancelled] { call(cancelled); });
    alarms_.erase(alarm);
  }

  Alarms alarms_;
  AlarmId last_alarm_ = 0;
  std::uint32_t chance_ = 1;
};

/// In place of `asio::steady_timer`.
class MemoryTimer {
 public:
  explicit MemoryTimer(::asio::io_context& /*io*/) {}
  MemoryTimer(const MemoryTimer&) = delete;
  MemoryTimer& operator=(const MemoryTimer&) = delete;
  MemoryTimer(MemoryTimer&&) = delete;
  MemoryTimer& operator=(MemoryTimer&&) = delete;
  ~MemoryTimer() { cancel(); }

  void expires_at(TimePoint at) noexcept { at_ = at; }
  template <class F>
  void async_wait(F f) {
    alarm_ = MemoryNetwork::current()->set(at_, [f = std::move(f)](bool cancelled) {
      f(cancelled ? std::make_error_code(std::errc::operation_canceled) : std::error_code{});
    });
  }
  void cancel() {
    if (alarm_ != 0) MemoryNetwork::current()->cancel(std::exchange(alarm_, 0));
  }

 private:
  TimePoint at_{};
  MemoryNetwork::AlarmId alarm_ = 0;
};

// NOLINTBEGIN(readability-identifier-naming): websocketpp's names.

/// One connection's part of websocketpp's transport policy.
template <class Config>
class MemoryConnection : public std::enable_shared_from_this<MemoryConnection<Config>> {
 public:
  using type = MemoryConnection;
  using ptr = std::shared_ptr<type>;
  struct timer {
    MemoryNetwork::AlarmId id = 0;
    void cancel() const { MemoryNetwork::current()->cancel(id); }
  };
  using timer_ptr = std::shared_ptr<timer>;
  using Handle = ::websocketpp::connection_hdl;
  using Error = ::websocketpp::lib::error_code;

  MemoryConnection(bool /*is_server*/, const std::shared_ptr<typename Config::alog_type>& /*a*/,
                   const std::shared_ptr<typename Config::elog_type>& /*e*/) {}

  [[nodiscard]] ptr get_shared() { return this->shared_from_this(); }
  void set_uri(const ::websocketpp::uri_ptr& /*uri*/) {}
  [[nodiscard]] bool is_secure() const noexcept { return false; }
  [[nodiscard]] std::string get_remote_endpoint() const { return "memory"; }
  [[nodiscard]] Handle get_handle() const { return handle_; }
  [[nodiscard]] timer_ptr set_timer(long milliseconds,
                                    ::websocketpp::transport::timer_handler handler) {
    auto& network = *MemoryNetwork::current();
    const auto id = network.set(network.now + std::chrono::milliseconds(milliseconds),
                                [handler = std::move(handler)](bool cancelled) {
                                  using ::websocketpp::transport::error::operation_aborted;
                                  handler(cancelled ? make_error_code(operation_aborted) : Error{});
                                });
    return std::make_shared<timer>(timer{id});
  }
  [[nodiscard]] const std::shared_ptr<Line>& line() const noexcept { return line_; }

 protected:
  void init(::websocketpp::transport::init_handler handler) { post(handler, Error{}); }
  void async_read_at_least(std::size_t least, char* buffer, std::size_t most,
                           ::websocketpp::transport::read_handler handler) {
    line_->on_read = std::move(handler);
    line_->buffer = buffer;
    line_->least = least;
    line_->most = most;
    MemoryNetwork::current()->deliver(*line_);
  }
  void async_write(const char* bytes, std::size_t count,
                   ::websocketpp::transport::write_handler handler) {
    line_->sent.append(bytes, count);
    written(std::move(handler));
  }
  void async_write(const std::vector<::websocketpp::transport::buffer>& buffers,
                   ::websocketpp::transport::write_handler handler) {
    for (const auto& buffer : buffers) line_->sent.append(buffer.buf, buffer.len);
    written(std::move(handler));
  }
  void set_handle(Handle handle) { handle_ = std::move(handle); }
  Error dispatch(::websocketpp::transport::dispatch_handler handler) {
    ::asio::post(MemoryNetwork::current()->io, std::move(handler));
    return {};
  }
  void async_shutdown(::websocketpp::transport::shutdown_handler handler) {
    line_->is_shut = true;
    MemoryNetwork::current()->deliver(*line_);
    post(std::move(handler), Error{});
  }

 private:
  void written(::websocketpp::transport::write_handler handler) {
    using ::websocketpp::transport::error::pass_through;
    post(std::move(handler), line_->ended ? make_error_code(pass_through) : Error{});
  }
  /// Some of websocketpp's handlers count on the transport to keep the connection.
  template <class Handler>
  void post(Handler handler, Error error) {
    ::asio::post(MemoryNetwork::current()->io,
                 [self = get_shared(), handler = std::move(handler), error] { handler(error); });
  }

  std::shared_ptr<Line> line_ = std::make_shared<Line>();
  Handle handle_;
};

/// The endpoint's part.
template <class Config>
class MemoryEndpoint {
 public:
  using type = MemoryEndpoint;
  using ptr = std::shared_ptr<type>;
  using transport_con_type = MemoryConnection<Config>;
  using transport_con_ptr = typename transport_con_type::ptr;
  using concurrency_type = typename Config::concurrency_type;
  using elog_type = typename Config::elog_type;
  using alog_type = typename Config::alog_type;

  void init_asio(::asio::io_context* /*io*/) {}
  [[nodiscard]] bool is_secure() const noexcept { return false; }

 protected:
  void init_logging(const std::shared_ptr<alog_type>& /*a*/,
                    const std::shared_ptr<elog_type>& /*e*/) {}
  ::websocketpp::lib::error_code init(const transport_con_ptr& /*connection*/) { return {}; }
  void async_connect(const transport_con_ptr& connection, const ::websocketpp::uri_ptr& /*uri*/,
                     ::websocketpp::transport::connect_handler handler) {
    auto& network = *MemoryNetwork::current();
    const auto line = connection->line();
    // The connect's own timeout is the transport's, and the machine's is not longer.
    const auto timeout =
        network.set(network.now + std::chrono::seconds(10), [line](bool cancelled) {
          if (!cancelled && line->on_connected) std::exchange(line->on_connected, nullptr)(true);
        });
    line->on_connected = [handler = std::move(handler), timeout](bool refused) {
      using ::websocketpp::transport::error::pass_through;
      auto& here = *MemoryNetwork::current();
      here.cancel(timeout);
      ::asio::post(here.io, [handler, refused] {
        handler(refused ? make_error_code(pass_through) : ::websocketpp::lib::error_code{});
      });
    };
    network.connect(line);
  }
};

/// Policies of a client on this network, in place of `websocketpp::detail::ClientConfig`.
struct MemoryClientConfig : ::websocketpp::config::core_client {
  using type = MemoryClientConfig;
  using concurrency_type = ::websocketpp::concurrency::none;
  using elog_type = ::websocketpp::log::stub;
  using alog_type = ::websocketpp::log::stub;
  using rng_type = ::websocketpp::random::none::int_generator<std::uint32_t>;
  struct Surroundings {
    using Timer = MemoryTimer;
    struct Draw {
      double operator()() const { return MemoryNetwork::current()->draw(); }
    };
    [[nodiscard]] static TimePoint now() noexcept { return MemoryNetwork::current()->now; }
  };
  struct transport_config : ::websocketpp::config::core_client::transport_config {
    using concurrency_type = type::concurrency_type;
    using elog_type = type::elog_type;
    using alog_type = type::alog_type;
  };
  using transport_type = MemoryEndpoint<transport_config>;

  static constexpr long timeout_open_handshake = 10'000;
  static constexpr long timeout_close_handshake = 2'000;
};

// NOLINTEND(readability-identifier-naming)

}  // namespace ordercast::test
