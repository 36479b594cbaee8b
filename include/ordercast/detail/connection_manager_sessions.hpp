// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

#include <array>
#include <cassert>
#include <charconv>

/// Bodies of ConnectionManager: opening, heartbeats and closing of connections. Include
/// connection_manager.hpp.
namespace ordercast {

template <class T, class S>
ConnectionManager<T, S>::~ConnectionManager() {
  self_.reset();  // A service that answers from its destructor finds no manager.
  if (!has_budget()) return;
  registry_.for_each_connection(
      [&](Slot slot) { budget_->release(registry_.identity(slot)->user_id); });
}

template <class T, class S>
auto ConnectionManager<T, S>::add_session(Handle handle) -> Slot {
  by_handle_.reserve_one();
  // After this, setting the session's timer needs no memory.
  if (sessions_.size() == sessions_.end_id()) timers_.reserve(sessions_.end_id() + 1);
  const Slot slot = sessions_.acquire();
  try {
    [[maybe_unused]] const Slot same = routes_.acquire();
    assert(same == slot);
  } catch (...) {
    sessions_.release(slot);
    throw;
  }
  routes_[slot].handle = handle;
  sessions_[slot].id = ++last_session_id_;
  by_handle_.insert(handle_hash(handle), slot);
  return slot;
}

template <class T, class S>
void ConnectionManager<T, S>::on_open(Handle handle, std::string_view token, bool hello) {
  if (find(handle) != npos) return;  // A transport must report an open only once.
  const Slot slot = add_session(handle);
  if (drain_deadline_) {
    close_for_drain(slot);
    return;
  }
  AuthResult result;
  try {
    result = services_.authenticator.authenticate(token);
  } catch (...) {  // Not the client's fault: let it retry with the same token.
    tell([](auto& observer) {
      observer.on_refused(CloseCode::internal_error, "the authenticator has thrown");
    });
    close(slot, CloseCode::internal_error, "Try again");
    return;
  }
  if (const auto* failure = std::get_if<AuthFailure>(&result)) {
    tell([&](auto& observer) { observer.on_refused(CloseCode::unauthorized, failure->detail); });
    close(slot, CloseCode::unauthorized, failure->reason);
    return;
  }
  const auto& who = std::get<Identity>(result);
  const auto most = limits_.max_connections_per_user;
  const bool admitted = has_budget() ? budget_->try_acquire(who.user_id, most)
                                     : most == 0 || registry_.connections_of(who.user_id) < most;
  if (!admitted) {
    tell([](auto& observer) {
      observer.on_refused(CloseCode::too_many_connections, "too many connections of a user");
    });
    close(slot, CloseCode::too_many_connections, "Too many connections");
    return;
  }
  try {
    registry_.connect(slot, who);
  } catch (...) {
    if (has_budget()) budget_->release(who.user_id);
    close(slot, CloseCode::internal_error, "Try again");
    return;
  }
  if (!who.session_id.empty()) {
    sessions_[slot].sign_in = detail::hash_bytes(who.session_id, seed_);
  }
  tell([](auto& observer) { observer.on_connected(); });
  guarded(slot, sessions_[slot].id, [&] {
    if (limits_.ping_interval.count() != 0) {
      sessions_[slot].next_ping = later_by(services_.clock.now(), next_ping_delay());
    }
    schedule(slot);
    if (hello && !epoch_.empty()) send_control(slot, Hello{epoch_, node_});
  });
}

template <class T, class S>
void ConnectionManager<T, S>::set_epoch(std::string epoch, std::string node) {
  epoch_ = std::move(epoch);
  node_ = std::move(node);
}

template <class T, class S>
void ConnectionManager<T, S>::on_close(Handle handle) noexcept {
  const Slot slot = find(handle);
  if (slot == npos) return;
  leave(slot);
  by_handle_.erase(handle_hash(handle), slot);
  sessions_.release(slot);
  routes_.release(slot);
  if (sessions_.size() == 0) timers_.shrink();
}

/// Removes a session from everything except the handle index. Nothing is sent to it after this.
template <class T, class S>
void ConnectionManager<T, S>::leave(Slot slot) noexcept {
  SessionT& session = sessions_[slot];
  routes_[slot].closing = true;
  routes_[slot].queueing = false;
  session.rare.reset();
  if (auto* outbox = session.outbox()) {
    if (!outbox->empty()) {
      tell([&](auto& observer) { observer.on_dropped(outbox->size()); });
    }
  }
  session.stall.reset();
  timers_.cancel(slot);
  const auto who = registry_.identity(slot);
  if (!who) return;
  if (has_budget()) budget_->release(who->user_id);
  const auto held = registry_.disconnect(slot);
  if (held != 0) tell([&](auto& observer) { observer.on_unsubscribed(held); });
  tell([](auto& observer) { observer.on_disconnected(); });
}

template <class T, class S>
void ConnectionManager<T, S>::close(Slot slot, CloseCode code, std::string_view reason) noexcept {
  if (routes_[slot].closing) return;
  leave(slot);
  tell([&](auto& observer) { observer.on_closed_by_server(code); });
  const Handle handle = routes_[slot].handle;
  try {
    transport_.close(handle, code, reason);
  } catch (...) {  // No memory for a close frame: the client sees a lost connection.
    try {
      transport_.terminate(handle);
    } catch (...) {
      return;
    }
  }
}

/// Ends a connection without a close handshake.
template <class T, class S>
void ConnectionManager<T, S>::terminate(Slot slot, CloseCode code) noexcept {
  if (routes_[slot].closing) return;
  leave(slot);
  tell([&](auto& observer) { observer.on_closed_by_server(code); });
  try {
    transport_.terminate(routes_[slot].handle);
  } catch (...) {
    return;
  }
}

template <class T, class S>
template <class F>
void ConnectionManager<T, S>::guarded(Slot slot, std::uint64_t session, F&& f) noexcept {
  try {
    f();
  } catch (...) {
    if (find_live(slot, session) != nullptr) {
      close(slot, CloseCode::internal_error, "Internal error");
    }
  }
  close_doomed();
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::disconnect_user(std::string_view user_id, CloseCode code,
                                                     std::string_view reason) {
  std::vector<Slot> found;
  registry_.for_each_connection_of(user_id, [&](Slot slot) { found.push_back(slot); });
  for (const Slot slot : found) close(slot, code, reason);
  return found.size();
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::disconnect_session(std::string_view user_id,
                                                        std::string_view session_id, CloseCode code,
                                                        std::string_view reason) {
  if (session_id.empty()) return 0;
  const auto sign_in = detail::hash_bytes(session_id, seed_);
  std::vector<Slot> found;
  registry_.for_each_connection_of(user_id, [&](Slot slot) {
    if (sessions_[slot].sign_in == sign_in) found.push_back(slot);
  });
  for (const Slot slot : found) close(slot, code, reason);
  return found.size();
}

template <class T, class S>
void ConnectionManager<T, S>::begin_drain(std::chrono::milliseconds window) {
  if (drain_deadline_) return;
  drain_window_ = (std::max)(window, std::chrono::milliseconds(0));
  drain_deadline_ = later_by(services_.clock.now(), drain_window_);
  std::vector<Slot> ready;
  registry_.for_each_connection([&](Slot slot) {
    if (!routes_[slot].queueing) ready.push_back(slot);
  });
  for (const Slot slot : ready) close_for_drain(slot);
}

/// Gives each client a different retry time within the window. Needs no memory.
template <class T, class S>
void ConnectionManager<T, S>::close_for_drain(Slot slot) noexcept {
  std::uniform_int_distribution<std::int64_t> spread(0, drain_window_.count());
  constexpr std::string_view name = "retry-after-ms=";
  std::array<char, 40> reason{};
  std::copy(name.begin(), name.end(), reason.begin());
  const auto written =
      std::to_chars(reason.data() + name.size(), reason.data() + reason.size(), spread(random_));
  close(slot, CloseCode::service_restart,
        {reason.data(), static_cast<std::size_t>(written.ptr - reason.data())});
}

template <class T, class S>
void ConnectionManager<T, S>::on_pong(Handle handle) noexcept {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing || !sessions_[slot].awaiting_pong) return;
  SessionT& session = sessions_[slot];
  session.awaiting_pong = false;
  session.last_pong = services_.clock.now();
  session.next_ping = later_by(session.last_pong, next_ping_delay());
  schedule(slot);
}

template <class T, class S>
std::size_t ConnectionManager<T, S>::ping_user(std::string_view user_id) {
  const auto now = services_.clock.now();
  std::size_t count = 0;
  registry_.for_each_connection_of(user_id, [&](Slot slot) {
    ++count;
    if (sessions_[slot].awaiting_pong) return;
    try {
      send_ping(slot, now);
      schedule(slot);
    } catch (...) {
      doom(slot, CloseCode::internal_error);
    }
  });
  close_doomed();
  return count;
}

template <class T, class S>
std::optional<TimePoint> ConnectionManager<T, S>::last_heard(std::string_view user_id) const {
  std::optional<TimePoint> heard;
  registry_.for_each_connection_of(user_id, [&](Slot slot) {
    if (!sessions_[slot].visible) return;
    const auto pong = sessions_[slot].last_pong;
    heard = (std::max)(heard.value_or((TimePoint::min)()),
                       pong == TimePoint{} ? (TimePoint::min)() : pong);
  });
  return heard;
}

template <class T, class S>
TimePoint ConnectionManager<T, S>::tick(TimePoint now) {
  timers_.advance(
      now, [&](Slot slot) { guarded(slot, sessions_[slot].id, [&] { on_deadline(slot, now); }); });
  auto next = timers_.next_deadline();
  if (drain_deadline_) {
    if (now < *drain_deadline_) return (std::min)(next, *drain_deadline_);
    std::vector<Slot> late;
    registry_.for_each_connection([&](Slot slot) { late.push_back(slot); });
    for (const Slot slot : late) close_for_drain(slot);
    next = timers_.next_deadline();
  }
  return next;
}

template <class T, class S>
std::chrono::milliseconds ConnectionManager<T, S>::next_ping_delay() {
  const auto most = (std::min)(limits_.ping_jitter, limits_.ping_interval);
  std::uniform_int_distribution<std::int64_t> jitter(0, most.count());
  return limits_.ping_interval - std::chrono::milliseconds(jitter(random_));
}

/// Sets the session's single timer to the earliest of its deadlines.
template <class T, class S>
void ConnectionManager<T, S>::schedule(Slot slot) {
  const SessionT& session = sessions_[slot];
  auto deadline = (TimePoint::max)();
  const bool pings = limits_.ping_interval.count() != 0;
  if (pings && (!session.awaiting_pong || limits_.pong_timeout.count() != 0)) {
    deadline = session.next_ping;
  }
  if (session.stall && limits_.write_stall_timeout.count() != 0) {
    deadline = (std::min)(deadline, later_by(session.stall->since, limits_.write_stall_timeout));
  }
  if (session.rare) deadline = (std::min)(deadline, session.rare->pending.next_due());
  if (deadline == (TimePoint::max)()) {
    timers_.cancel(slot);
  } else {
    timers_.schedule(slot, deadline);
  }
}

template <class T, class S>
void ConnectionManager<T, S>::on_deadline(Slot slot, TimePoint now) {
  SessionT& session = sessions_[slot];
  if (session.stall) {
    watch_stall(slot, now);
    if (session.stall && limits_.write_stall_timeout.count() != 0 &&
        now >= later_by(session.stall->since, limits_.write_stall_timeout)) {
      // It reads nothing, not even a close frame, so don't wait for a close handshake.
      terminate(slot, CloseCode::too_slow);
      return;
    }
  }
  if (limits_.ping_interval.count() != 0 && now >= session.next_ping) {
    if (session.awaiting_pong) {
      // The pong's deadline starts when the data before the ping have been acknowledged; until then
      // the stall timer watches the connection. They may have been acknowledged only a moment ago.
      const auto* stall = session.stall.get();
      const bool is_behind = stall != nullptr && limits_.write_stall_timeout.count() != 0 &&
                             stall->written_bytes < stall->ping_after;
      if (!is_behind && !session.ping_was_behind) {
        terminate(slot, CloseCode::going_away);
        return;
      }
      session.ping_was_behind = is_behind;
      session.next_ping = later_by(now, limits_.pong_timeout);
    } else if (transport_.buffered_bytes(routes_[slot].handle) == 0) {
      send_ping(slot, now);
    } else {
      // A ping would wait behind data, and the progress of that data shows that the peer is alive.
      session.next_ping = later_by(now, next_ping_delay());
    }
  }
  if (session.rare && session.rare->pending.next_due() <= now) {
    const auto id = session.id;
    ask_due(slot, now);
    if (find_live(slot, id) == nullptr) return;
  }
  schedule(slot);
}

/// Sends a ping and sets the deadline for its pong.
template <class T, class S>
void ConnectionManager<T, S>::send_ping(Slot slot, TimePoint now) {
  SessionT& session = sessions_[slot];
  const Handle handle = routes_[slot].handle;
  session.ping_was_behind = detail::unacknowledged_bytes(transport_, handle) != 0;
  if (session.ping_was_behind) {
    watch_stall(slot, now, true);
    session.stall->ping_after = routes_[slot].accepted_bytes;
  } else if (session.stall) {
    session.stall->ping_after = 0;
  }
  transport_.ping(handle);
  session.awaiting_pong = true;
  session.next_ping =
      limits_.pong_timeout.count() == 0 ? (TimePoint::max)() : later_by(now, limits_.pong_timeout);
}

/// Starts, renews or ends the stall watch of a connection with unwritten data. A stall counts from
/// the peer's last acknowledgement. `must`: ensures that there is a watch afterwards.
template <class T, class S>
void ConnectionManager<T, S>::watch_stall(Slot slot, TimePoint now, bool must) {
  SessionT& session = sessions_[slot];
  const RouteT& route = routes_[slot];
  const auto left = detail::unacknowledged_bytes(transport_, route.handle);
  const bool idle = transport_.buffered_bytes(route.handle) == 0 && !route.queueing &&
                    (left == 0 || !session.awaiting_pong);
  if (idle && !must) {
    session.stall.reset();
    return;
  }
  const auto written = route.accepted_bytes > left ? route.accepted_bytes - left : 0;
  const bool starts = session.stall == nullptr;
  if (starts) session.stall = std::make_unique<typename SessionT::Stall>();
  if (starts || written > session.stall->written_bytes) session.stall->since = now;
  session.stall->written_bytes = written;
}

}  // namespace ordercast
