// SPDX-License-Identifier: MIT
#include "watch.hpp"

#include "terminal.hpp"
#include "token.hpp"

#include <asio/post.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <system_error>
#include <utility>

namespace order_watch {

using namespace ordercast::client;  // NOLINT(google-build-using-namespace): its effects.

Watch::Watch(asio::io_context& io, Options options, std::unique_ptr<View> view)
    : io_(io),
      options_(std::move(options)),
      view_(std::move(view)),
      http_(io),
      api_(http_, options_.http_url),
      ending_(io, SIGINT, SIGTERM),
      resized_(io, SIGWINCH),
      out_(io),
      second_(io) {
  SocketHandlers handlers;
  handlers.on_state = [this](State state, ordercast::TimePoint at) { on_state(state, at); };
  handlers.on_order = [this](const OrderUpdate& update) { on_order(update); };
  handlers.on_changed = [this](const OrderHint& hint) { on_changed(hint); };
  handlers.on_error = [this](const ServerError& error) { on_error(error); };
  handlers.on_need_token = [this](NeedToken::Reason reason) { on_need_token(reason); };
  handlers.on_poll = [this](Poll::Reason reason) {
    // The socket has just asked for single orders by version.
    if (watches_all() || reason == Poll::Reason::fallback) fetch();
  };
  handlers.on_lost = [this](std::uint16_t /*code*/, const std::string& why) {
    connection_.why = why;
  };
  const bool is_secure = options_.ws_url.rfind("wss:", 0) == 0;
  socket_ = is_secure ? make_tls_socket(io, options_.ws_url, std::move(handlers))
                      : make_tcp_socket(io, options_.ws_url, std::move(handlers));
}

Watch::~Watch() = default;

void Watch::start() {
  wait_for_signal();
  wait_for_end_of_reader();
  tick();
  tokens_.access = options_.token;
  for (const auto& id : options_.orders) {
    watched_.insert(id);
    socket_->subscribe(id, 0);
  }
  socket_->start(options_.token);
}

// ---- Events of the socket ---------------------------------------------------------------------

void Watch::on_state(State state, ordercast::TimePoint retry_at) {
  connection_.state = state;
  connection_.retry_at = retry_at;
  if (state == State::open) connection_.why.clear();
  if (!is_finished_) show(view_->connection(connection_));
  if (state == State::refused) {
    finish(exit_refused,
           last_words_.empty() ? "the server refused the token" : std::move(last_words_));
  }
}

void Watch::on_order(const OrderUpdate& update) {
  if (const auto order = parse_order(update.json)) show(view_->order(*order));
}

void Watch::on_changed(const OrderHint& hint) {
  show(view_->changed(hint));
  if (watches_all() && watched_.count(hint.order_id) == 0) fetch();
}

void Watch::on_error(const ServerError& error) {
  if (error.code == to_string(ordercast::ErrorCode::subscription_denied)) {
    return remove(error.order_id, "no such order, or not yours");
  }
  show(view_->error(error));
}

void Watch::on_need_token(NeedToken::Reason reason) {
  if (reason == NeedToken::Reason::missing) return log_in();
  if (options_.email.empty()) return read_token_again();
  refresh_token();
}

// ---- Tokens ------------------------------------------------------------------------------------

void Watch::log_in() {
  api_.login(options_.email, options_.password, [this](const Answer<Tokens>& answer) {
    on_tokens(answer, "the server refused the e-mail address or the password: " + answer.why);
  });
}

/// The refresh token may have expired as well; then log in with the password again.
void Watch::refresh_token() {
  if (tokens_.refresh.empty()) return log_in();
  api_.refresh(tokens_.refresh, [this](Answer<Tokens> answer) {
    if (answer.outcome == Outcome::unauthorized || answer.outcome == Outcome::refused) {
      tokens_.refresh.clear();
      return log_in();
    }
    answer.value.refresh = tokens_.refresh;
    on_tokens(answer, {});
  });
}

void Watch::read_token_again() {
  auto token = options_.token_file.empty() ? std::string{} : read_token_file(options_.token_file);
  if (token.empty() || token == tokens_.access) {
    last_words_ = "the server refused the token";
    return socket_->token_refused();
  }
  tokens_.access = token;
  socket_->set_token(std::move(token), std::nullopt);
}

void Watch::use_token() {
  socket_->set_token(tokens_.access,
                     renew_at(tokens_.access, ordercast::SteadyClock{}.now(), draw_));
}

void Watch::on_tokens(const Answer<Tokens>& answer, const std::string& refused) {
  if (is_finished_) return;
  if (answer.outcome == Outcome::ok) {
    tokens_ = answer.value;
    return use_token();
  }
  connection_.why = answer.why;
  if (answer.outcome == Outcome::failed) return socket_->token_failed();
  last_words_ = refused;
  socket_->token_refused();
}

// ---- Orders by HTTP ----------------------------------------------------------------------------

void Watch::fetch() {
  if (tokens_.access.empty() || is_finished_) return;
  if (!watches_all()) return fetch_each();
  is_fetch_wanted_ = is_fetching_;
  if (!is_fetching_) fetch_list();
}

void Watch::fetch_each() {
  for (const auto& id : watched_) {
    api_.order(tokens_.access, id, [this](Answer<Order> answer) {
      auto& order = answer.value;
      if (answer.outcome != Outcome::ok || is_finished_) return;
      socket_->fetched(order.id, order.version, std::move(order.json));
    });
  }
}

void Watch::fetch_list() {
  is_fetching_ = true;
  const auto done = [this](const Answer<std::vector<Order>>& answer) { on_list(answer); };
  api_.orders(tokens_.access, options_.limit, [this, done](const auto& answer) {
    // The socket outlives the access token, so this call may be the first to find it expired.
    if (answer.outcome != Outcome::unauthorized || tokens_.refresh.empty()) return done(answer);
    api_.refresh(tokens_.refresh, [this, done, answer](const Answer<Tokens>& fresh) {
      if (fresh.outcome != Outcome::ok) return done(answer);
      tokens_.access = fresh.value.access;
      use_token();
      api_.orders(tokens_.access, options_.limit, done);
    });
  });
}

void Watch::on_list(const Answer<std::vector<Order>>& answer) {
  is_fetching_ = false;
  if (is_finished_) return;
  if (answer.outcome == Outcome::ok) {
    show_list(answer.value);
  } else if (connection_.state == State::open) {
    show(view_->note("can't fetch the list of orders: " + answer.why));
  }
  if (std::exchange(is_fetch_wanted_, false)) fetch();
}

void Watch::show_list(const std::vector<Order>& orders) {
  std::set<std::string> now;
  for (const auto& order : orders) now.insert(order.id);
  std::vector<std::string> gone;
  std::set_difference(watched_.begin(), watched_.end(), now.begin(), now.end(),
                      std::back_inserter(gone));
  for (const auto& id : gone) {
    socket_->unsubscribe(id);
    watched_.erase(id);
    show(view_->removed(id, ""));
  }
  // Oldest first, so that the newest is the last line.
  for (auto order = orders.rbegin(); order != orders.rend(); ++order) {
    if (watched_.insert(order->id).second) {
      show(view_->order(*order));
      socket_->subscribe(order->id, order->version);
    } else {
      socket_->fetched(order->id, order->version, order->json);
    }
  }
}

void Watch::remove(const std::string& id, const std::string& why) {
  watched_.erase(id);
  show(view_->removed(id, why));
  if (!watches_all() && watched_.empty()) {
    finish(exit_not_found, "none of the orders can be watched");
  }
}

// ---- The rest ----------------------------------------------------------------------------------

/// Redraws once for everything that happens in one turn of the loop.
void Watch::show(bool is_read) {
  if (!is_read) return finish(exit_ok);
  if (std::exchange(is_refresh_posted_, true)) return;
  asio::post(io_, [this] {
    is_refresh_posted_ = false;
    if (!is_finished_ && !view_->refresh()) finish(exit_ok);
  });
}

void Watch::tick() {
  if (!options_.table) return;
  second_.expires_after(std::chrono::seconds(1));
  second_.async_wait([this](const std::error_code& cancelled) {
    if (cancelled) return;
    show(true);
    tick();
  });
  resized_.async_wait([this](const std::error_code& cancelled, int /*signal*/) {
    if (!cancelled) show(true);
  });
}

void Watch::wait_for_signal() {
  ending_.async_wait([this](const std::error_code& cancelled, int /*signal*/) {
    if (!cancelled) finish(exit_ok);
  });
}

/// `order_watch | head` ends when head does, not at the next change.
void Watch::wait_for_end_of_reader() {
  if (!is_stdout_a_pipe()) return;
  out_.assign(::dup(STDOUT_FILENO));
  out_.async_wait(asio::posix::stream_descriptor::wait_error,
                  [this](const std::error_code& cancelled) {
                    if (!cancelled) finish(exit_ok);
                  });
}

void Watch::finish(int code, std::string last_words) {
  if (std::exchange(is_finished_, true)) return;
  exit_code_ = code;
  last_words_ = std::move(last_words);
  socket_->stop();
  // The close frame is sent; don't wait for the answer.
  asio::post(io_, [this] { io_.stop(); });
}

}  // namespace order_watch
