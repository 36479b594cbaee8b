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
  /// Most subscriptions of a connection, including pending ones; a further one gets
  /// `too_many_subscriptions`. 0: no limit. Cost: about 60 bytes for each subscription.
  std::size_t max_subscriptions = 100;

  /// Most connections of a user in one manager; a further one is closed with 4008. 0: no limit.
  /// Cost: none. For several managers see connection_budget.hpp.
  std::size_t max_connections_per_user = 20;

  /// Sustained messages a second of a connection. 0: no limit. Cost: 8 bytes.
  std::uint32_t messages_per_second = 50;

  /// Messages that may come in a burst after silence. 0 counts as 1.
  std::uint32_t message_burst = 200;

  /// Closes a connection with 1008 after this many refused messages within `abuse_window`. 0:
  /// never.
  std::uint32_t abuse_threshold = 100;
  std::chrono::milliseconds abuse_window{10'000};

  /// Time between the server's WebSocket pings. 0: no pings, so dead peers are never detected.
  std::chrono::milliseconds ping_interval{25'000};

  /// Shortens each interval by a random time up to this, so that pings spread out.
  std::chrono::milliseconds ping_jitter{2'500};

  /// How long a pong may take after the data before its ping has been acknowledged. 0: forever.
  std::chrono::milliseconds pong_timeout{10'000};

  /// Closes a connection with 4009 if its peer acknowledges nothing for this long while data is
  /// queued. 0 disables; its memory stays bounded.
  std::chrono::milliseconds write_stall_timeout{30'000};

  /// Most messages queued for a slow connection, after conflation. An `order:updated` that does not
  /// fit is owed instead, and read again when there is room. Of hints the newest stay. Closes with
  /// 4009 only if nothing can make room: the queue holds the application's messages, pongs, errors
  /// and one hint, or there is no OrderSource to read from. 0: a million. Cost: about 64 bytes each
  /// besides the shared frame.
  std::size_t max_outbox_messages = 2048;

  /// Most bytes of frames queued for a slow connection, by the same rule. 0: no limit. A single
  /// message always fits. Changes that wait for an unanswered subscribe have a separate bound of
  /// the same size. Frames are shared, so many slow connections together cost less.
  std::size_t max_outbox_bytes = 1024 * 1024;

  /// How many orders are read at once for a connection that is owed several. 0 counts as 1. Cost:
  /// as many orders in memory for each such connection.
  std::uint32_t max_concurrent_fetches = 4;

  /// How long an Authorizer or an OrderSource may take; after that it counts as "unavailable". 0:
  /// forever.
  std::chrono::milliseconds answer_timeout{30'000};

  /// After "unavailable" the manager asks again: first after `retry_first`, then after twice as
  /// long each time, up to `retry_most`, less a random part. The first attempt later than
  /// `retry_for` is the last: then the client gets `unavailable` and the subscription ends.
  std::chrono::milliseconds retry_first{250};
  std::chrono::milliseconds retry_most{5'000};
  std::chrono::milliseconds retry_for{60'000};
};

/// Throws std::invalid_argument that names a negative duration. Numbers need no check: every value
/// has a meaning.
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
