// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/connection_budget.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/handle_index.hpp>
#include <ordercast/detail/hash.hpp>
#include <ordercast/detail/route.hpp>
#include <ordercast/detail/slab.hpp>
#include <ordercast/detail/timer_wheel.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/error.hpp>
#include <ordercast/session.hpp>
#include <ordercast/subscription_registry.hpp>
#include <ordercast/types.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace ordercast::detail {

/// Names a connection from `add` to `remove`: the place of its records.
using Slot = std::uint32_t;
inline constexpr Slot no_slot = UINT32_MAX;

/// Who is connected, and how each comes and goes. Keeps a route, a session and a timer for each
/// connection, with its entry in the registry and its user's place in the budget in step.
///
/// A connection that is closed stays known until the transport reports the end (`remove`), but has
/// left everything else: nothing is sent to it. During an iteration over the registry nothing may
/// be closed; `doom` marks what `close_doomed` closes afterwards. One thread at a time.
template <class Transport, class ServicesT>
class Connections {
 public:
  using Handle = typename Transport::Handle;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using SessionT = Session<typename Transport::Frame>;
  using RouteT = Route<Handle>;
  using Registry = SubscriptionRegistry<DenseHandle, Watch>;

  /// `budget` may be null; what is given must outlive this.
  Connections(EnvironmentT& environment, ConnectionBudget* budget) noexcept
      : environment_(environment), budget_(budget) {}
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  Connections(Connections&&) = delete;
  Connections& operator=(Connections&&) = delete;
  ~Connections() {
    if (!has_budget()) return;
    registry_.for_each_connection(
        [&](Slot slot) { budget_->release(registry_.identity(slot)->user_id); });
  }

  /// `no_slot` for a handle that is not known.
  [[nodiscard]] Slot find(const Handle& handle) const noexcept {
    return by_handle_.find(handle_hash(handle),
                           [&](Slot slot) { return routes_[slot].handle == handle; });
  }
  /// The same, but `no_slot` for a connection that is being closed as well.
  [[nodiscard]] Slot find_open(const Handle& handle) const noexcept {
    const Slot slot = find(handle);
    return slot == no_slot || routes_[slot].closing ? no_slot : slot;
  }
  /// The session that was in a slot once; null if it has closed since.
  [[nodiscard]] SessionT* find_live(Slot slot, std::uint64_t session) noexcept {
    if (slot >= sessions_.end_id()) return nullptr;
    SessionT& found = sessions_[slot];
    return found.id == session && !routes_[slot].closing ? &found : nullptr;
  }

  /// Adds a connection that speaks for nobody yet. The handle is not known. Strong guarantee.
  Slot add(const Handle& handle) {
    by_handle_.reserve_one();
    // From here on a timer of this session can be set without memory.
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

  /// Registers a connection as its user's. False if the user has as many as they may. Strong
  /// guarantee.
  [[nodiscard]] bool admit(Slot slot, const Identity& who) {
    const auto most = environment_.limits.max_connections_per_user;
    const bool has_place = has_budget() ? budget_->try_acquire(who.user_id, most)
                                        : most == 0 || registry_.connections_of(who.user_id) < most;
    if (!has_place) return false;
    try {
      registry_.connect(slot, who);
    } catch (...) {
      if (has_budget()) budget_->release(who.user_id);
      throw;
    }
    if (!who.session_id.empty()) sessions_[slot].sign_in = hash_bytes(who.session_id, seed_);
    return true;
  }

  /// Forgets a connection that is gone; the handle may come again for another.
  void remove(const Handle& handle) noexcept {
    const Slot slot = find(handle);
    if (slot == no_slot) return;
    leave(slot);
    by_handle_.erase(handle_hash(handle), slot);
    sessions_.release(slot);
    routes_.release(slot);
    if (sessions_.size() == 0) timers_.shrink();
  }

  /// Closes a connection; does nothing if it is being closed already.
  void close(Slot slot, CloseCode code, std::string_view reason) noexcept {
    if (!begin_close(slot, code)) return;
    const Handle handle = routes_[slot].handle;
    try {
      environment_.transport.close(handle, code, reason);
    } catch (...) {  // No memory for a close frame: the client sees a lost connection.
      cut(handle);
    }
  }
  /// The same without a close handshake.
  void terminate(Slot slot, CloseCode code) noexcept {
    if (begin_close(slot, code)) cut(routes_[slot].handle);
  }

  /// Closes every connection of a user. Returns how many.
  std::size_t close_user(std::string_view user_id, CloseCode code, std::string_view reason) {
    return close_those(user_id, code, reason, [](const SessionT& /*any*/) { return true; });
  }
  /// Closes the connections of one sign-in of a user; an empty id names none. Returns how many.
  std::size_t close_sign_in(std::string_view user_id, std::string_view session_id, CloseCode code,
                            std::string_view reason) {
    if (session_id.empty()) return 0;
    return close_those(user_id, code, reason,
                       [sign_in = hash_bytes(session_id, seed_)](const SessionT& session) {
                         return session.sign_in == sign_in;
                       });
  }

  /// Marks a connection to be closed after the iteration that is under way.
  void doom(Slot slot, CloseCode code) noexcept {
    if (routes_[slot].doomed || routes_[slot].closing) return;
    routes_[slot].doomed = true;
    try {
      doomed_.emplace_back(slot, code);
    } catch (...) {
      lost_doomed_ = true;
    }
  }
  void close_doomed() noexcept {
    while (!doomed_.empty()) {
      const auto [slot, code] = doomed_.back();
      doomed_.pop_back();
      close(slot, code, code == CloseCode::too_slow ? "Too slow" : "Internal error");
    }
    if (!std::exchange(lost_doomed_, false)) return;
    for (Slot slot = 0; slot < sessions_.end_id(); ++slot) {
      if (sessions_[slot].id != 0 && routes_[slot].doomed) {
        close(slot, CloseCode::internal_error, "Internal error");
      }
    }
  }

  /// Runs `f` for one connection. What it throws, out of memory most likely, costs that connection
  /// alone: the client comes back and asks for what it missed.
  template <class F>
  void guarded(Slot slot, std::uint64_t session, F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (find_live(slot, session) != nullptr) {
        close(slot, CloseCode::internal_error, "Internal error");
      }
    }
    close_doomed();
  }
  template <class F>
  void guarded(Slot slot, F&& f) noexcept {
    guarded(slot, sessions_[slot].id, std::forward<F>(f));
  }

  // The one timer of each connection.
  void set_timer(Slot slot, TimePoint due) { timers_.schedule(slot, due); }
  void cancel_timer(Slot slot) noexcept { timers_.cancel(slot); }
  /// Calls `f(slot)` for each connection whose timer has come.
  template <class F>
  void advance_timers(TimePoint now, F&& f) {
    timers_.advance(now, std::forward<F>(f));
  }
  [[nodiscard]] TimePoint next_timer() const noexcept { return timers_.next_deadline(); }

  // The records of one connection.
  [[nodiscard]] SessionT& session(Slot slot) noexcept { return sessions_[slot]; }
  [[nodiscard]] RouteT& route(Slot slot) noexcept { return routes_[slot]; }

  /// For questions about connections, and their subscriptions; `connect` and `disconnect` are this
  /// class's.
  [[nodiscard]] Registry& registry() noexcept { return registry_; }
  [[nodiscard]] const Registry& registry() const noexcept { return registry_; }

  /// Connections that `remove` has not ended, refused ones included.
  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

 private:
  [[nodiscard]] std::uint64_t handle_hash(const Handle& handle) const noexcept {
    return hash_integer(static_cast<std::uint64_t>(std::hash<Handle>{}(handle)), seed_);
  }
  [[nodiscard]] bool has_budget() const noexcept {
    return budget_ != nullptr && environment_.limits.max_connections_per_user != 0;
  }

  /// False if it has begun before.
  bool begin_close(Slot slot, CloseCode code) noexcept {
    if (routes_[slot].closing) return false;
    leave(slot);
    environment_.tell([&](auto& observer) { observer.on_closed_by_server(code); });
    return true;
  }
  void cut(const Handle& handle) noexcept {
    try {
      environment_.transport.terminate(handle);
    } catch (...) {
      return;
    }
  }

  /// Takes a connection out of everything but the handle index: from here on nothing is sent to it.
  void leave(Slot slot) noexcept {
    SessionT& session = sessions_[slot];
    routes_[slot].closing = true;
    routes_[slot].queueing = false;
    session.rare.reset();
    if (const auto* outbox = session.outbox(); outbox != nullptr && !outbox->empty()) {
      environment_.tell([&](auto& observer) { observer.on_dropped(outbox->size()); });
    }
    session.stall.reset();
    timers_.cancel(slot);
    const auto who = registry_.identity(slot);
    if (!who) return;
    if (has_budget()) budget_->release(who->user_id);
    const auto held = registry_.disconnect(slot);
    if (held != 0) environment_.tell([&](auto& observer) { observer.on_unsubscribed(held); });
    environment_.tell([](auto& observer) { observer.on_disconnected(); });
  }

  template <class Which>
  std::size_t close_those(std::string_view user_id, CloseCode code, std::string_view reason,
                          Which&& which) {
    std::vector<Slot> found;
    registry_.for_each_connection_of(user_id, [&](Slot slot) {
      if (which(sessions_[slot])) found.push_back(slot);
    });
    for (const Slot slot : found) close(slot, code, reason);
    return found.size();
  }

  EnvironmentT& environment_;
  ConnectionBudget* budget_;
  std::uint64_t seed_ = hash_seed();
  std::uint64_t last_session_id_ = 0;
  Slab<SessionT> sessions_;
  Slab<RouteT> routes_;  // Of the same slots.
  FlatIndex by_handle_;
  Registry registry_;
  TimerWheel timers_;
  std::vector<std::pair<Slot, CloseCode>> doomed_;
  bool lost_doomed_ = false;  // Some that have the mark are not in the list: memory ran out.
};

}  // namespace ordercast::detail
