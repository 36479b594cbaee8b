// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/detail/byte_counts.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace ordercast::detail {

/// Finds peers that are gone (a ping without its pong) and peers that take nothing (a write stall),
/// and ends their connections. Sets the one timer of a connection for whatever comes first, answers
/// that are due included. One thread at a time.
template <class Transport, class ServicesT>
class Heartbeat {
 public:
  using ConnectionsT = Connections<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;

  Heartbeat(EnvironmentT& environment, ConnectionsT& connections) noexcept
      : environment_(environment), connections_(connections) {}

  /// Begins for a connection that has just opened.
  void start(Slot slot) {
    if (environment_.limits.ping_interval.count() != 0) {
      connections_.session(slot).next_ping = later_by(environment_.now(), next_ping_delay());
    }
    schedule(slot);
  }

  void on_pong(Slot slot) {
    SessionT& session = connections_.session(slot);
    if (!session.awaiting_pong) return;
    session.awaiting_pong = false;
    session.last_pong = environment_.now();
    session.next_ping = later_by(session.last_pong, next_ping_delay());
    schedule(slot);
  }

  /// Pings a user's connections now. Returns how many there are; those that owe a pong get no
  /// second ping.
  std::size_t ping_user(std::string_view user_id) {
    const auto now = environment_.now();
    std::size_t count = 0;
    connections_.registry().for_each_connection_of(user_id, [&](Slot slot) {
      ++count;
      if (connections_.session(slot).awaiting_pong) return;
      try {
        send_ping(slot, now);
        schedule(slot);
      } catch (...) {
        connections_.doom(slot, CloseCode::internal_error);
      }
    });
    connections_.close_doomed();
    return count;
  }

  /// When a visible connection of a user last answered; see `ConnectionManager::last_heard`.
  [[nodiscard]] std::optional<TimePoint> last_heard(std::string_view user_id) const {
    std::optional<TimePoint> heard;
    connections_.registry().for_each_connection_of(user_id, [&](Slot slot) {
      const SessionT& session = connections_.session(slot);
      if (!session.visible) return;
      const auto pong = session.last_pong;
      heard = (std::max)(heard.value_or((TimePoint::min)()),
                         pong == TimePoint{} ? (TimePoint::min)() : pong);
    });
    return heard;
  }

  /// Looks at a connection whose timer has come. False if that was its end.
  [[nodiscard]] bool beat(Slot slot, TimePoint now) {
    SessionT& session = connections_.session(slot);
    const auto& limits = environment_.limits;
    if (session.stall) {
      watch_stall(slot, now);
      if (session.stall && limits.write_stall_timeout.count() != 0 &&
          now >= later_by(session.stall->since, limits.write_stall_timeout)) {
        // It takes nothing, a close frame included: there is no handshake to wait for.
        connections_.terminate(slot, CloseCode::too_slow);
        return false;
      }
    }
    if (limits.ping_interval.count() == 0 || now < session.next_ping) return true;
    if (!session.awaiting_pong) {
      if (buffered(connections_.route(slot)) == 0) {
        send_ping(slot, now);
      } else {
        // A ping would wait behind data; whether that moves says as much about the peer.
        session.next_ping = later_by(now, next_ping_delay());
      }
      return true;
    }
    // A ping behind data is not timed until the data are out: whether they move is the stall's.
    // They may have been out for no more than a moment.
    const auto* stall = session.stall.get();
    const bool is_behind = stall != nullptr && limits.write_stall_timeout.count() != 0 &&
                           stall->written_bytes < stall->ping_after;
    if (!is_behind && !session.ping_was_behind) {
      connections_.terminate(slot, CloseCode::going_away);
      return false;
    }
    session.ping_was_behind = is_behind;
    session.next_ping = later_by(now, limits.pong_timeout);
    return true;
  }

  /// Arms the timer of a connection.
  void schedule(Slot slot) {
    const SessionT& session = connections_.session(slot);
    const auto& limits = environment_.limits;
    auto due = session.next_answer_due();
    const bool pings = limits.ping_interval.count() != 0;
    if (pings && (!session.awaiting_pong || limits.pong_timeout.count() != 0)) {
      due = (std::min)(due, session.next_ping);
    }
    if (session.stall && limits.write_stall_timeout.count() != 0) {
      due = (std::min)(due, later_by(session.stall->since, limits.write_stall_timeout));
    }
    if (due == (TimePoint::max)()) {
      connections_.cancel_timer(slot);
    } else {
      connections_.set_timer(slot, due);
    }
  }

  /// Starts, renews or ends the watch on a connection with unwritten data: the clock of a stall
  /// runs from the last time that the peer acknowledged anything. `must`: there is a watch
  /// afterwards.
  void watch_stall(Slot slot, TimePoint now, bool must = false) {
    SessionT& session = connections_.session(slot);
    const auto& route = connections_.route(slot);
    const auto left = unacknowledged(route);
    const bool idle =
        buffered(route) == 0 && !route.queueing && (left == 0 || !session.awaiting_pong);
    if (idle && !must) {
      session.stall.reset();
      return;
    }
    const auto written = acknowledged(route, left);
    const bool starts = session.stall == nullptr;
    if (starts) session.stall = std::make_unique<typename SessionT::Stall>();
    if (starts || written > session.stall->written_bytes) session.stall->since = now;
    session.stall->written_bytes = written;
  }

 private:
  using SessionT = typename ConnectionsT::SessionT;

  using RouteT = typename ConnectionsT::RouteT;

  [[nodiscard]] std::uint64_t buffered(const RouteT& route) const {
    return buffered_bytes(environment_.transport, route.handle, route.queueing);
  }
  [[nodiscard]] std::uint64_t unacknowledged(const RouteT& route) const {
    return unacknowledged_bytes(environment_.transport, route.handle, route.queueing);
  }
  /// What the peer has acknowledged in all. Where the transport can't tell, that is what was sent
  /// less what is `left`, which holds only if messages take their own size on the wire: a transport
  /// that compresses has to tell.
  [[nodiscard]] std::uint64_t acknowledged(const RouteT& route, std::uint64_t left) const {
    const auto all = acknowledged_bytes(environment_.transport, route.handle);
    if (all) return *all;
    return route.accepted_bytes > left ? route.accepted_bytes - left : 0;
  }

  [[nodiscard]] std::chrono::milliseconds next_ping_delay() {
    const auto& limits = environment_.limits;
    const auto most = (std::min)(limits.ping_jitter, limits.ping_interval);
    return limits.ping_interval - environment_.random_between(std::chrono::milliseconds(0), most);
  }

  /// Sends a ping and sets the deadline of its pong.
  void send_ping(Slot slot, TimePoint now) {
    SessionT& session = connections_.session(slot);
    const auto& route = connections_.route(slot);
    const auto left = unacknowledged(route);
    session.ping_was_behind = left != 0;
    if (session.ping_was_behind) {
      watch_stall(slot, now, true);
      const auto all = acknowledged_bytes(environment_.transport, route.handle);
      session.stall->ping_after = all ? *all + left : route.accepted_bytes;
    } else if (session.stall) {
      session.stall->ping_after = 0;
    }
    environment_.transport.ping(route.handle);
    session.awaiting_pong = true;
    const auto timeout = environment_.limits.pong_timeout;
    session.next_ping = timeout.count() == 0 ? (TimePoint::max)() : later_by(now, timeout);
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
};

}  // namespace ordercast::detail
