// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/order_client.hpp>

#include <algorithm>
#include <cmath>

/// Bodies of OrderClient. Include order_client.hpp instead.
namespace ordercast::client {

// ---- Inputs ------------------------------------------------------------------------------------

inline Effects OrderClient::subscribe(std::string_view order_id, std::uint64_t version) {
  Step step(*this, {});
  if (auto* watched = orders_.find(order_id)) {
    watched->version = (std::max)(watched->version, version);
    if (watched->again_at) send_subscribe(*watched);  // The application asks for it now.
  } else if (order_id.empty() || order_id.size() > max_order_id_bytes) {
    emit(ServerError{std::string(to_string(ErrorCode::bad_message)),
                     "An order id is 1 to 128 bytes", std::string(order_id)});
  } else if (orders_.size() >= options_.max_subscriptions) {
    emit(ServerError{std::string(to_string(ErrorCode::too_many_subscriptions)),
                     "Too many subscriptions", std::string(order_id)});
  } else {
    auto& added = orders_.add(std::string(order_id), version);
    if (is_socket_open_) send_subscribe(added);
  }
  return step.effects();
}

inline Effects OrderClient::on_token(TimePoint now, std::string token,
                                     std::optional<TimePoint> renew_at) {
  Step step(*this, now);
  take_token(std::move(token), renew_at);
  token_rejected_ = false;
  if (state_ == State::refused) {
    backoff_.reset();
    attempt();
  } else if (is_token_asked_) {
    connect();
  }
  return step.effects();
}

inline Effects OrderClient::on_wake(TimePoint now) {
  Step step(*this, now);
  if (state_ == State::open) {
    if (!pong_due_ && now - last_ping_ >= options_.wake_floor) ping(options_.probe_timeout);
  } else if (state_ == State::waiting) {
    auto earliest = last_attempt_ + options_.wake_floor;
    if (hold_until_) earliest = (std::max)(earliest, *hold_until_);
    if (earliest <= now) {
      attempt();
    } else if (earliest < *retry_at_) {
      retry_at_ = earliest;
      emit(StateChanged{state_, earliest});
    }
  }
  return step.effects();
}

inline Effects OrderClient::on_opened(TimePoint now, ConnectionId connection,
                                      bool is_second_version) {
  Step step(*this, now);
  if (connection != live_ || live_ == 0 || is_socket_open_) return step.effects();
  is_socket_open_ = true;
  in_batches_ = is_second_version && !was_too_big_;
  send_all_subscribes();
  // An open socket proves nothing: the server refuses a bad token only now. The answer to this ping
  // is the proof.
  send(Ping{});
  last_ping_ = now;
  return step.effects();
}

inline Effects OrderClient::on_message(TimePoint now, ConnectionId connection,
                                       std::string_view text) {
  Step step(*this, now);
  if (connection != live_ || !is_socket_open_) return step.effects();
  auto incoming = decode(text);
  const auto* undecoded = std::get_if<Undecoded>(&incoming);
  if (state_ == State::open || undecoded == nullptr) {
    is_forgiven_ = false;
    pong_due_.reset();
    ping_at_ = now + options_.ping_interval;
  }
  if (undecoded != nullptr) {
    ignore(*undecoded == Undecoded::unknown ? Ignored::Reason::unknown : Ignored::Reason::invalid);
    return step.effects();
  }
  if (state_ == State::connecting) {
    give_up_at_.reset();
    open_since_ = now;
    enter(State::open);
    emit(Poll{Poll::Reason::opened});
  }
  if (auto* hello = std::get_if<ServerHello>(&incoming)) greet(std::move(*hello));
  if (auto* order = std::get_if<OrderUpdate>(&incoming)) {
    auto* watched = orders_.find(order->order_id);
    if (watched != nullptr) watched->backoff.reset();
    offer(std::move(*order));
  }
  if (auto* hint = std::get_if<OrderHint>(&incoming)) emit(std::move(*hint));
  if (auto* error = std::get_if<ServerError>(&incoming)) receive(std::move(*error));
  return step.effects();
}

inline Effects OrderClient::on_closed(TimePoint now, ConnectionId connection, std::uint16_t code,
                                      std::string_view reason) {
  const auto is = [code](CloseCode other) { return code == static_cast<std::uint16_t>(other); };
  Step step(*this, now);
  if (connection != live_ || live_ == 0) return step.effects();
  forgive_if_good();
  if (is(CloseCode::message_too_big)) was_too_big_ = true;
  if (is(CloseCode::unauthorized)) {
    token_was_rejected();
  } else {
    const bool is_slow = is(CloseCode::policy_violation) || is(CloseCode::too_many_connections) ||
                         is(CloseCode::too_slow);
    fail(is_slow ? Pace::slow : Pace::normal,
         retry_after(code, reason, options_.backoff.max_retry_after));
  }
  return step.effects();
}

inline Effects OrderClient::on_timer(TimePoint now) {
  Step step(*this, now);
  if (is_due(give_up_at_)) {
    if (forgive(give_up_at_)) {
      give_up_at_ = now + options_.probe_timeout;
    } else {
      abandon();
    }
  }
  if (is_due(retry_at_)) attempt();
  if (is_due(pong_due_)) {
    if (forgive(pong_due_)) {
      ping(options_.probe_timeout);
    } else {
      abandon();
    }
  }
  if (is_due(ping_at_)) ping(options_.pong_timeout);
  if (is_due(resync_at_)) {
    resync_at_.reset();
    send_all_subscribes();
  }
  for (auto& watched : orders_) {
    if (is_due(watched.again_at)) send_subscribe(watched);
  }
  if (is_due(poll_at_)) {
    emit(Poll{Poll::Reason::fallback});
    arm_poll();
  }
  return step.effects();
}

inline std::optional<TimePoint> OrderClient::deadline() const noexcept {
  std::optional<TimePoint> first;
  for (const auto& time : {give_up_at_, retry_at_, ping_at_, pong_due_, resync_at_, poll_at_}) {
    if (time && (!first || *time < *first)) first = time;
  }
  for (const auto& watched : orders_) {
    const auto& time = watched.again_at;
    if (time && (!first || *time < *first)) first = time;
  }
  return first;
}

// ---- The life of a connection ------------------------------------------------------------------

inline void OrderClient::enter(State state) {
  const auto is_live_or_at_rest = [](State s) {
    return s != State::connecting && s != State::waiting;
  };
  const auto before = std::exchange(state_, state);
  emit(StateChanged{state, retry_at_.value_or(TimePoint{})});
  if (is_live_or_at_rest(state)) {
    poll_at_.reset();
  } else if (is_live_or_at_rest(before)) {
    arm_poll();
  }
}

inline void OrderClient::arm_poll() {
  const auto interval = options_.poll_interval.count();
  const auto cut = std::floor(draw_() * static_cast<double>(interval) / 5);
  poll_at_ = now_ + Milliseconds(interval - static_cast<Milliseconds::rep>(cut));
}

inline void OrderClient::attempt() {
  last_attempt_ = now_;
  retry_at_.reset();
  hold_until_.reset();
  if (state_ != State::connecting) enter(State::connecting);
  if (token_.empty() || is_due(renew_at_)) {
    ask_for_token();
  } else {
    connect();
  }
}

inline void OrderClient::ask_for_token() {
  is_token_asked_ = true;
  give_up_at_ = now_ + options_.token_timeout;
  const auto reason = !token_.empty()   ? NeedToken::Reason::expiring
                      : token_rejected_ ? NeedToken::Reason::rejected
                                        : NeedToken::Reason::missing;
  emit(NeedToken{reason});
}

inline void OrderClient::connect() {
  is_token_asked_ = false;
  is_forgiven_ = false;
  used_token_ = token_;
  live_ = ++last_connection_;
  is_socket_open_ = false;
  give_up_at_ = now_ + options_.connect_timeout;
  emit(Connect{live_, token_});
}

/// Drops the connection, or the request for a token.
inline void OrderClient::disconnect() {
  live_ = 0;
  is_socket_open_ = false;
  is_token_asked_ = false;
  is_forgiven_ = false;
  is_greeted_ = false;
  for (auto& watched : orders_) watched.again_at.reset();
  give_up_at_.reset();
  ping_at_.reset();
  pong_due_.reset();
  resync_at_.reset();
}

inline void OrderClient::fail(Pace pace, std::optional<Milliseconds> retry_after) {
  disconnect();
  retry_at_ = now_ + backoff_.next(draw_(), pace, retry_after);
  if (pace == Pace::slow) {
    hold_until_ = retry_at_;
  } else if (retry_after) {
    hold_until_ = now_ + *retry_after;
  }
  enter(State::waiting);
}

/// A deadline has passed: gives up on what was awaited.
inline void OrderClient::abandon() {
  forgive_if_good();
  if (live_ != 0) emit(Close{live_, 4000});
  fail();
}

/// Returns true if a missed deadline proves nothing because its timer fired late: an answer that
/// came in time may be queued behind the timer. Excuses only one in a row, so that a timer that is
/// always late does not keep a dead socket.
inline bool OrderClient::forgive(const std::optional<TimePoint>& deadline) noexcept {
  if (is_forgiven_ || now_ - *deadline < options_.late) return false;
  is_forgiven_ = true;
  return true;
}

inline void OrderClient::refuse() {
  disconnect();
  enter(State::refused);
}

inline void OrderClient::token_was_rejected() {
  const bool is_newer_there = token_ != used_token_;
  disconnect();
  if (std::exchange(token_refreshed_, true)) {
    token_.clear();
    return refuse();
  }
  if (state_ != State::connecting) enter(State::connecting);
  if (is_newer_there) return connect();
  token_.clear();
  token_rejected_ = true;
  ask_for_token();
}

inline void OrderClient::forgive_if_good() {
  if (state_ != State::open || now_ - open_since_ < options_.stable) return;
  backoff_.reset();
  token_refreshed_ = false;
}

inline void OrderClient::ping(Milliseconds timeout) {
  send(Ping{});
  last_ping_ = now_;
  ping_at_.reset();
  pong_due_ = now_ + timeout;
}

// ---- Messages from the server
// ----------------------------------------------------------------------

inline void OrderClient::greet(ServerHello hello) {
  const bool is_other = epoch_ && *epoch_ != hello.epoch;
  epoch_ = std::move(hello.epoch);
  if (is_other) {
    orders_.forget_versions();
    emit(EpochChanged{*epoch_});
  }
  is_greeted_ = true;
  if (is_visible_) send(Presence{true});
}

inline void OrderClient::offer(OrderUpdate order) {
  switch (orders_.offer(order.order_id, order.version)) {
    case detail::WatchedOrders::Verdict::newer:
      emit(std::move(order));
      break;
    case detail::WatchedOrders::Verdict::stale:
      ignore(Ignored::Reason::stale);
      break;
    case detail::WatchedOrders::Verdict::unwatched:
      ignore(Ignored::Reason::unsubscribed);
      break;
  }
}

inline void OrderClient::receive(ServerError error) {
  // Asking again at each connect would count as abuse.
  if (error.code == to_string(ErrorCode::subscription_denied) ||
      error.code == to_string(ErrorCode::too_many_subscriptions)) {
    orders_.leave(error.order_id);
  }
  // Not a denial: the subscription stays.
  if (error.code == to_string(ErrorCode::unavailable)) {
    auto* watched = orders_.find(error.order_id);
    if (watched != nullptr && !watched->again_at) {
      if (!watched->backoff) watched->backoff.emplace(options_.backoff);
      watched->again_at = now_ + watched->backoff->next(draw_());
    }
  }
  // The server dropped a message, perhaps a subscribe.
  if (error.code == to_string(ErrorCode::rate_limited) && !resync_at_) {
    resync_at_ = now_ + options_.resync;
  }
  emit(std::move(error));
}

// ---- Subscribes --------------------------------------------------------------------------------

inline void OrderClient::send_all_subscribes() {
  Batch<Subscribe> batch;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (batch.entries.size() == 1) {
      send(std::get<Subscribe>(batch.entries.front()));
    } else if (!batch.entries.empty()) {
      for (auto& entry : batch.entries) std::get<Subscribe>(entry).epoch.reset();
      batch.epoch = epoch_;
      send(std::move(batch));
    }
    batch = {};
    bytes = 0;
  };
  for (auto& watched : orders_) {
    if (!in_batches_) {
      send_subscribe(watched);
      continue;
    }
    watched.again_at.reset();
    const auto size = detail::entry_bytes(watched.order_id);
    if (bytes + size > detail::max_batch_bytes) flush();
    bytes += size;
    batch.entries.emplace_back(Subscribe{watched.order_id, watched.version, epoch_});
  }
  flush();
}

}  // namespace ordercast::client
