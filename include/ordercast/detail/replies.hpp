// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/sender.hpp>
#include <ordercast/error.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/protocol.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace ordercast::detail {

/// Tells a client what became of its own messages: pongs, refusals, and the close of one who goes
/// on being refused. One thread at a time.
template <class Transport, class ServicesT>
class Replies {
 public:
  using ConnectionsT = Connections<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using SenderT = Sender<Transport, ServicesT>;

  Replies(EnvironmentT& environment, ConnectionsT& connections, SenderT& sender) noexcept
      : environment_(environment), connections_(connections), sender_(sender) {}

  /// Answers a client. Of answers on one topic the newest waits: one pong is for all pings before
  /// it, and the same error on the same order says nothing new.
  void send(Slot slot, const ServerMessage& message) {
    std::string topic;
    if (const auto* error = std::get_if<ErrorMessage>(&message)) {
      topic = std::string(to_string(error->code)) + ' ' + std::string(error->order_id);
    } else if (std::holds_alternative<Pong>(message)) {
      topic = "pong";
    }
    sender_.deliver(slot, QueuedKind::control, topic, prepare_message<Transport>(message));
    connections_.close_doomed();
  }

  /// Tells a client of an error that is none of its fault.
  void send_error(Slot slot, const ErrorMessage& error) {
    environment_.tell([&](auto& observer) { observer.on_error(error.code); });
    send(slot, error);
  }

  /// Refuses a message; too many of them end the connection with 1008. `message`: the number of the
  /// message that this was a part of, see AbuseWindow.
  void refuse(Slot slot, const ErrorMessage& error, std::uint32_t message = 0) {
    environment_.tell([&](auto& observer) { observer.on_error(error.code); });
    auto& abuse = connections_.session(slot).need_rare().abuse;
    if (abuse.refuse(environment_.now(), environment_.limits, message)) {
      connections_.close(slot, CloseCode::policy_violation, "Too many refused messages");
      return;
    }
    send(slot, error);
  }

 private:
  EnvironmentT& environment_;
  ConnectionsT& connections_;
  SenderT& sender_;
};

}  // namespace ordercast::detail
