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

/// One connection's protocol state: what it has asked and not been answered, how fast it talks, how
/// slowly it listens. Plain values with no I/O and no clock of their own; one thread at a time. An
/// idle connection owns none of the optional parts.
namespace ordercast {

/// What a manager knows of one connection beside its route (detail/route.hpp) and what the registry
/// holds.
template <class Frame>
struct Session {
  using Pending = detail::PendingSubscription<Frame>;
  using Stall = detail::WriteStall<Frame>;

  /// What few connections have: open questions, debts, a past.
  struct RareState {
    detail::PendingList<Frame> pending;
    detail::LeftVersions left;
    AbuseWindow abuse;
    bool paying = false;  ///< Debts are being paid: an answer from inside goes on there.

    [[nodiscard]] bool empty() const noexcept {
      return pending.empty() && left.empty() && abuse.empty() && !paying;
    }
  };

  std::uint64_t id = 0;  ///< Never used twice, unlike handles. 0: the record is free.
  RateLimit rate;
  TimePoint next_ping{};            ///< While awaiting a pong: when it is due.
  TimePoint last_pong{};            ///< Meaningful once a ping was answered; before that the epoch.
  std::unique_ptr<Stall> stall;     ///< While data waits, here or in the transport.
  std::unique_ptr<RareState> rare;  ///< Made when it is first needed.
  std::uint32_t link = 0;
  std::uint64_t sign_in = 0;  ///< Hash of `Identity::session_id`; 0: it has none.
  bool awaiting_pong = false;
  bool ping_was_behind = false;  ///< Data stood before the ping at the last look.
  bool visible = false;          ///< Whether the user looks, as the client said last.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return link; }
  [[nodiscard]] Outbox<Frame>* outbox() noexcept {
    return stall && stall->outbox ? &*stall->outbox : nullptr;
  }
  [[nodiscard]] RareState& need_rare() {
    if (!rare) rare = std::make_unique<RareState>();
    return *rare;
  }
  /// Gives the rare state's memory back if there is nothing in it.
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
