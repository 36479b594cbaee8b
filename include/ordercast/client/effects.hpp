// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/messages.hpp>
#include <ordercast/clock.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The effects of an `OrderClient`. Its owner carries them out in order: the first three on a
/// socket, the others by telling the application. Plain values that own their text.
namespace ordercast::client {

enum class State : std::uint8_t {
  idle,        ///< The application doesn't want to be connected.
  connecting,  ///< Waiting for a token, for a socket to open, or for an open socket's first answer.
  open,        ///< The server has answered: updates are live.
  waiting,     ///< Waiting for the next attempt.
  refused,     ///< The server refuses all known tokens, until the application supplies another.
};

[[nodiscard]] constexpr std::string_view to_string(State state) noexcept {
  switch (state) {
    case State::idle:
      return "idle";
    case State::connecting:
      return "connecting";
    case State::open:
      return "open";
    case State::waiting:
      return "waiting";
    case State::refused:
      return "refused";
  }
  return "idle";
}

/// Numbers the sockets of one client, from 1. Events of an old one are ignored.
using ConnectionId = std::uint64_t;

/// Open a socket. Answer with `on_opened` or `on_closed`. Never log the token.
struct Connect {
  ConnectionId connection = 0;
  std::string token;
};
/// Send a text message.
struct Send {
  ConnectionId connection = 0;
  std::string text;
};
/// Give a socket up without waiting for the server. Its later events are ignored.
struct Close {
  ConnectionId connection = 0;
  std::uint16_t code = 1000;  ///< 1000: the application stopped. 4000: the socket is unusable.
};

/// Answer with `on_token`, `on_token_failed` or `on_token_refused`.
struct NeedToken {
  enum class Reason : std::uint8_t {
    missing,   ///< There is none.
    rejected,  ///< The server refused it: get a fresh one, not a cached one.
    expiring,  ///< Its `renew_at` has passed: renew it before it is refused.
  };
  Reason reason = Reason::missing;
};
struct StateChanged {
  State state = State::idle;
  TimePoint retry_at{};  ///< In state `waiting`: the time of the next attempt.
};
/// The server's store was replaced, for example from a backup: earlier versions mean nothing, and
/// the next state of an order counts even with a smaller version.
struct EpochChanged {
  std::string epoch;
};
/// Fetch over HTTP what is on screen, and pass the orders to `on_fetched`.
struct Poll {
  enum class Reason : std::uint8_t {
    opened,    ///< Once after a reconnect, because hints were missed.
    fallback,  ///< Not live for a while.
  };
  Reason reason = Reason::opened;
};
/// A message was dropped. Every drop is reported.
struct Ignored {
  enum class Reason : std::uint8_t { stale, unsubscribed, unknown, invalid };
  Reason reason = Reason::invalid;
};

using Effect = std::variant<Connect, Send, Close, NeedToken, StateChanged, OrderUpdate, OrderHint,
                            ServerError, EpochChanged, Poll, Ignored>;
using Effects = std::vector<Effect>;

}  // namespace ordercast::client
