// SPDX-License-Identifier: MIT
#pragma once

#include "api.hpp"
#include "http.hpp"
#include "options.hpp"
#include "socket.hpp"
#include "view.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace order_watch {

/// The program: connects a socket and HTTP calls to a view. One thread.
class Watch {
 public:
  Watch(asio::io_context& io, Options options, std::unique_ptr<View> view);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  void start();

  /// The exit code, once `io` has ended.
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }
  /// The message for stderr at the end; may be empty.
  [[nodiscard]] const std::string& last_words() const noexcept { return last_words_; }

 private:
  // Events of the socket.
  void on_state(ordercast::client::State state, ordercast::TimePoint retry_at);
  void on_order(const ordercast::client::OrderUpdate& update);
  void on_changed(const ordercast::client::OrderHint& hint);
  void on_error(const ordercast::client::ServerError& error);
  void on_need_token(ordercast::client::NeedToken::Reason reason);

  // Tokens.
  void log_in();
  void refresh_token();
  void read_token_again();
  void use_token();
  void on_tokens(const Answer<Tokens>& answer, const std::string& refused);

  // Orders by HTTP.
  void fetch();
  void fetch_list();
  void fetch_each();
  void on_list(const Answer<std::vector<Order>>& answer);
  void show_list(const std::vector<Order>& orders);
  [[nodiscard]] bool watches_all() const noexcept { return options_.orders.empty(); }

  void show(bool is_read);
  void remove(const std::string& id, const std::string& why);
  void tick();
  void wait_for_signal();
  void wait_for_end_of_reader();
  void finish(int code, std::string last_words = {});

  asio::io_context& io_;
  Options options_;
  std::unique_ptr<View> view_;
  HttpWorker http_;
  Api api_;
  std::unique_ptr<Socket> socket_;
  asio::signal_set ending_;
  asio::signal_set resized_;
  asio::posix::stream_descriptor out_;
  asio::steady_timer second_;
  Tokens tokens_;
  /// In [0, 1), random for each process, so that clients that signed in together don't renew
  /// together.
  double draw_ = static_cast<double>(std::random_device{}() % 1000) / 1000;
  Connection connection_;
  std::set<std::string> watched_;
  bool is_fetching_ = false;
  bool is_fetch_wanted_ = false;  ///< Something changed while the list was being fetched.
  bool is_refresh_posted_ = false;
  bool is_finished_ = false;
  int exit_code_ = exit_ok;
  std::string last_words_;
};

}  // namespace order_watch
