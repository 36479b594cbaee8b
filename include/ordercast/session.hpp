// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/abuse_window.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/detail/left_versions.hpp>
#include <ordercast/detail/pending_list.hpp>
#include <ordercast/detail/write_stall.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/rate_limit.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

/// The protocol state of one connection: its unanswered questions, its message rate, and its
/// slowness. Plain values without I/O and clock; one thread at a time. An idle connection has none
/// of the optional parts.
namespace ordercast {

/// What a manager stores for a connection besides its route (detail/route.hpp) and the registry's
/// data.
template <class Frame>
struct Session {
  using Pending = detail::PendingSubscription<Frame>;
  using Stall = detail::WriteStall<Frame>;

  /// The state that few connections have: open questions, debts, a history.
  struct RareState {
    detail::PendingList<Frame> pending;
    detail::LeftVersions left;
    AbuseWindow abuse;
    bool paying =
        false;  ///< Debts are being paid: an answer from inside that call continues there.

    [[nodiscard]] bool empty() const noexcept {
      return pending.empty() && left.empty() && abuse.empty() && !paying;
    }
  };

  std::uint64_t id = 0;  ///< Never reused, unlike handles. 0: the record is free.
  RateLimit rate;
  TimePoint next_ping{};            ///< While a pong is awaited: when it is due.
  TimePoint last_pong{};            ///< The epoch until a ping has been answered.
  std::unique_ptr<Stall> stall;     ///< While data waits, here or in the transport.
  std::unique_ptr<RareState> rare;  ///< Created when it is first needed.
  std::uint32_t link = 0;
  std::uint64_t sign_in = 0;  ///< Hash of `Identity::session_id`; 0: it has none.
  bool awaiting_pong = false;
  bool ping_was_behind = false;  ///< At the last check, data was still queued before the ping.
  bool visible = false;          ///< Whether the user is looking, as the client last said.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return link; }
  /// When an open question or a debt must be looked at; `TimePoint::max()` if there is none.
  [[nodiscard]] TimePoint next_answer_due() const noexcept {
    return rare ? rare->pending.next_due() : (TimePoint::max)();
  }
  [[nodiscard]] Outbox<Frame>* outbox() noexcept {
    return stall && stall->outbox ? &*stall->outbox : nullptr;
  }
  [[nodiscard]] RareState& need_rare() {
    if (!rare) rare = std::make_unique<RareState>();
    return *rare;
  }
  /// Frees the rare state if it is empty.
  void release_rare_if_empty() noexcept {
    if (rare && rare->empty()) rare.reset();
  }
  [[nodiscard]] Pending* find_pending(std::string_view order_id) noexcept {
    return rare ? rare->pending.find(order_id) : nullptr;
  }
  [[nodiscard]] Pending* find_request(std::uint64_t request) noexcept {
    return rare ? rare->pending.find(request) : nullptr;
  }
  void erase_pending(Pending& pending) noexcept {
    rare->pending.erase(pending);
    release_rare_if_empty();
  }
};

}  // namespace ordercast
