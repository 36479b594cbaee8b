// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

/// Bounds of one connection manager. Each option states its default, what zero means and its cost.
namespace ordercast {

struct Limits {
  /// Subscriptions a connection may hold, pending ones included; more gets
  /// `too_many_subscriptions`. 0: no limit. Cost: about 60 bytes a subscription.
  std::size_t max_subscriptions = 100;

  /// Live connections a user may hold in one manager; the newest above it is closed with 4008.
  /// 0: no limit. Cost: none. With several managers see connection_budget.hpp.
  std::size_t max_connections_per_user = 20;

  /// Messages a second that a connection may sustain. 0: no limit. Cost: 8 bytes.
  std::uint32_t messages_per_second = 50;

  /// Messages that may come at once after silence. 0 is taken as 1.
  std::uint32_t message_burst = 200;

  /// Refused messages within `abuse_window` that end in close 1008. 0: never.
  std::uint32_t abuse_threshold = 100;
  std::chrono::milliseconds abuse_window{10'000};

  /// Time between the server's WebSocket pings. 0: no pings, and dead peers are never found.
  std::chrono::milliseconds ping_interval{25'000};

  /// Each interval is shortened by a random part of up to this, so that pings spread out.
  std::chrono::milliseconds ping_jitter{2'500};

  /// How long a pong may take, from when all data before its ping has been acknowledged. 0:
  /// forever.
  std::chrono::milliseconds pong_timeout{10'000};

  /// Closes a connection with 4009 whose peer acknowledges nothing for this long while data is
  /// queued. 0 disables (its memory is bounded all the same).
  std::chrono::milliseconds write_stall_timeout{30'000};

  /// Messages that may wait for one slow connection, after conflation. An `order:updated` above it
  /// is owed instead and read again when there is room; of hints the newest stay. 4009 only where
  /// nothing can make room: messages of the application's own, pongs and errors beside the last
  /// hint, or no OrderSource to read from. 0: a million.
  /// Cost: about 64 bytes each beside the shared frame.
  std::size_t max_outbox_messages = 2048;

  /// Bytes of frames that may wait for one slow connection, with the same rule. 0: no limit. One
  /// message is always admitted, whatever its size. What waits for an unanswered subscribe has a
  /// bound of the same size beside it. Frames are shared, so the true cost is less when many
  /// connections are slow at once.
  std::size_t max_outbox_bytes = 1024 * 1024;

  /// Orders that are read at once for one connection that is owed several. 0 is taken as 1. Cost:
  /// as many orders in memory a connection, while they are on their way to it.
  std::uint32_t max_concurrent_fetches = 4;

  /// How long an Authorizer or an OrderSource may take; later counts as "unavailable". 0: forever.
  std::chrono::milliseconds answer_timeout{30'000};

  /// After "unavailable" the manager asks again, first after `retry_first`, then after twice as
  /// long each time up to `retry_most`, a random part less. The first try later than `retry_for` is
  /// the last: then the client is told `unavailable` and the subscription ends.
  std::chrono::milliseconds retry_first{250};
  std::chrono::milliseconds retry_most{5'000};
  std::chrono::milliseconds retry_for{60'000};
};

/// Throws std::invalid_argument that names a duration which is negative. Numbers need no check:
/// each of them means something.
inline void validate(const Limits& limits) {
  const auto check = [](const char* name, std::chrono::milliseconds duration) {
    if (duration.count() >= 0) return;
    throw std::invalid_argument(std::string("Limits::") + name + " is negative: " +
                                std::to_string(duration.count()) + " ms; 0 or more is allowed");
  };
  check("abuse_window", limits.abuse_window);
  check("ping_interval", limits.ping_interval);
  check("ping_jitter", limits.ping_jitter);
  check("pong_timeout", limits.pong_timeout);
  check("write_stall_timeout", limits.write_stall_timeout);
  check("answer_timeout", limits.answer_timeout);
  check("retry_first", limits.retry_first);
  check("retry_most", limits.retry_most);
  check("retry_for", limits.retry_for);
}

}  // namespace ordercast
