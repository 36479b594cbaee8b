// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/detail/pending_list.hpp>
#include <ordercast/limits.hpp>
#include <ordercast/outbox.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One connection's protocol state: what it has asked and not been answered, how fast it talks, how
/// slowly it listens. Plain values with no I/O and no clock of their own; one thread at a time. An
/// idle connection owns none of the optional parts.
namespace ordercast {

/// A token bucket in one word: the generic cell rate algorithm (ITU-T I.371).
class RateLimit {
 public:
  /// Whether one more message may pass now. O(1).
  [[nodiscard]] bool allow(TimePoint now, const Limits& limits) noexcept {
    if (limits.messages_per_second == 0) return true;
    const auto interval = Duration(std::chrono::seconds(1)) / limits.messages_per_second;
    const auto burst = interval * ((std::max<std::uint32_t>)(limits.message_burst, 1) - 1);
    const auto due = (std::max)(due_, now);
    if (due - now > burst) return false;
    due_ = due + interval;
    return true;
  }

 private:
  TimePoint due_{};  // When the bucket will be full again.
};

/// Counts refused messages within a window that starts at the first of them.
class AbuseWindow {
 public:
  /// Notes a refusal; true when there have been too many.
  [[nodiscard]] bool refuse(TimePoint now, const Limits& limits) noexcept {
    if (limits.abuse_threshold == 0) return false;
    if (count_ == 0 || now > later_by(start_, limits.abuse_window)) {
      start_ = now;
      count_ = 0;
    }
    return ++count_ >= limits.abuse_threshold;
  }
  /// Whether nothing has been refused yet.
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  TimePoint start_{};
  std::uint32_t count_ = 0;
};

/// What a broadcast touches of each recipient, apart from the rest of its session: the recipients
/// of a large one lie in memory that the processor's caches hold.
template <class Handle>
struct Route {
  Handle handle{};
  std::uint64_t accepted_bytes = 0;
  std::uint32_t last_publish = 0;  ///< The newest publish that reached it, to count it once.
  bool closing = false;
  bool queueing = false;  ///< Whether it has an outbox, because it is slow.
  bool doomed = false;    ///< It is closed after the iteration that is under way.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return last_publish; }
};

/// Everything else that a manager knows of one connection beside what the registry holds.
template <class Frame>
struct Session {
  /// The newest version that an order had when the client left it: a later subscription on the same
  /// connection must not go back behind it.
  struct Floor {
    std::uint64_t order_hash = 0;
    std::uint64_t version = 0;
  };
  /// What only a connection with questions or a past needs.
  using Pending = detail::PendingSubscription<Frame>;
  static constexpr std::size_t most_floors = 128;
  struct Extra {
    detail::PendingList<Frame> pending;
    std::vector<Floor> floors;
    AbuseWindow abuse;
    bool paying = false;  ///< Debts are being paid: an answer from inside goes on there.
  };
  /// What only a connection with unwritten data needs.
  struct Stall {
    std::optional<Outbox<Frame>> outbox;  ///< What the transport has not taken.
    TimePoint since{};                    ///< When anything was last written.
    std::uint64_t written_bytes = 0;      ///< As of the last look.
    std::uint64_t ping_after = 0;         ///< The ping stands behind so many accepted bytes.
  };

  std::uint64_t id = 0;  ///< Never used twice, unlike handles. 0: the record is free.
  RateLimit rate;
  TimePoint next_ping{};         ///< While awaiting a pong: when it is due.
  TimePoint last_pong{};         ///< Meaningful once a ping was answered; before that the epoch.
  std::unique_ptr<Stall> stall;  ///< While data waits, here or in the transport.
  std::unique_ptr<Extra> extra;
  std::uint32_t link = 0;
  std::uint64_t sign_in = 0;  ///< Hash of `Identity::session_id`; 0: it has none.
  bool awaiting_pong = false;
  bool ping_was_behind = false;  ///< Data stood before the ping at the last look.
  bool visible = false;          ///< Whether the user looks, as the client said last.

  [[nodiscard]] std::uint32_t& free_link() noexcept { return link; }
  [[nodiscard]] Outbox<Frame>* outbox() noexcept {
    return stall && stall->outbox ? &*stall->outbox : nullptr;
  }
  [[nodiscard]] Extra& need_extra() {
    if (!extra) extra = std::make_unique<Extra>();
    return *extra;
  }
  [[nodiscard]] Pending* find_pending(std::string_view order_id) noexcept {
    return extra ? extra->pending.find(order_id) : nullptr;
  }
  [[nodiscard]] Pending* find_request(std::uint64_t request) noexcept {
    return extra ? extra->pending.find(request) : nullptr;
  }
  void erase_pending(Pending& pending) noexcept {
    extra->pending.erase(pending);
    if (extra->pending.empty() && extra->floors.empty() && extra->abuse.empty() && !extra->paying) {
      extra.reset();
    }
  }

  /// Remembers a version for the case that the order is subscribed again; keeps the newest `most`,
  /// and never more than `most_floors`.
  void remember_floor(std::uint64_t order_hash, std::uint64_t version, std::size_t most) {
    auto& floors = need_extra().floors;
    most = most == 0 ? most_floors : (std::min)(most, most_floors);
    if (floors.size() >= most) floors.erase(floors.begin());
    floors.push_back({order_hash, version});
  }
  /// Takes the remembered version of an order out; 0 when there is none.
  [[nodiscard]] std::uint64_t take_floor(std::uint64_t order_hash) noexcept {
    if (!extra) return 0;
    auto& floors = extra->floors;
    for (auto at = floors.begin(); at != floors.end(); ++at) {
      if (at->order_hash != order_hash) continue;
      const auto version = at->version;
      floors.erase(at);
      return version;
    }
    return 0;
  }
};

}  // namespace ordercast
