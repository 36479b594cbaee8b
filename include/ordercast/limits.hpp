// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Bounds of one connection manager. Each option states its default, what zero means and its cost.
namespace ordercast {

struct Limits {
  /// Subscriptions a connection may hold, pending ones included; more gets
  /// `too_many_subscriptions`. 0: no limit. Cost: about 60 bytes a subscription.
  std::size_t max_subscriptions = 100;

  /// Live connections a user may hold in one manager; the newest above it is closed with 4008.
  /// 0: no limit. Cost: none. With several shards see `ShardedLimits` in sharded.hpp.
  std::size_t max_connections_per_user = 20;

  /// Messages a second that a connection may send for ever. 0: no limit. Cost: 8 bytes.
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

  /// How long a pong may take before the connection is reaped. 0: for ever.
  std::chrono::milliseconds pong_timeout{10'000};

  /// How long a connection with waiting data may take nothing before it is closed with 4009.
  /// 0: for ever (its memory is bounded all the same).
  std::chrono::milliseconds write_stall_timeout{30'000};

  /// Messages that may wait for one slow connection, after conflation; above it 4009.
  /// 0: no limit. Cost: about 64 bytes each beside the shared frame.
  std::size_t max_outbox_messages = 2048;

  /// Bytes of frames that may wait for one slow connection; above it 4009. 0: no limit.
  /// Frames are shared, so the true cost is less when many connections are slow at once.
  std::size_t max_outbox_bytes = 1024 * 1024;
};

}  // namespace ordercast
