// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/hash.hpp>
#include <ordercast/detail/heartbeat.hpp>
#include <ordercast/detail/questions.hpp>
#include <ordercast/detail/replies.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/error.hpp>
#include <ordercast/json_codec.hpp>
#include <ordercast/protocol.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ordercast::detail {

/// Takes what clients say: their rate, the messages of the protocol, and those that are offered to
/// the application. One thread at a time.
template <class Transport, class ServicesT>
class Inbox {
 public:
  using ConnectionsT = Connections<Transport, ServicesT>;
  using DebtsT = Debts<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using HeartbeatT = Heartbeat<Transport, ServicesT>;
  using QuestionsT = Questions<Transport, ServicesT>;
  using RepliesT = Replies<Transport, ServicesT>;

  Inbox(EnvironmentT& environment, ConnectionsT& connections, HeartbeatT& heartbeat, DebtsT& debts,
        QuestionsT& questions, RepliesT& replies) noexcept
      : environment_(environment),
        connections_(connections),
        heartbeat_(heartbeat),
        debts_(debts),
        questions_(questions),
        replies_(replies) {}

  /// Names the store that a `since` is counted in, and this node; see
  /// `ConnectionManager::set_epoch`.
  void set_epoch(std::string epoch, std::string node) {
    epoch_ = std::move(epoch);
    node_ = std::move(node);
  }
  /// Tells a new client of the protocol's second version which store it is. Without an epoch,
  /// nothing.
  void greet(Slot slot) {
    if (!epoch_.empty()) replies_.send(slot, Hello{epoch_, node_});
  }

  /// One whole text message.
  void on_message(Slot slot, std::string_view text) {
    if (!is_within_rate(slot)) {
      replies_.refuse(slot, {ErrorCode::rate_limited, "Too many messages", {}});
      return;
    }
    const Decoded decoded = decode(text);
    if (const auto* error = std::get_if<DecodeError>(&decoded)) {
      if (error->code == ErrorCode::unknown_type && offer_to_application(slot, text)) return;
      replies_.refuse(slot, {error->code, error->message, error->order_id});
      return;
    }
    std::visit([&](const auto& message) { receive(slot, message); },
               std::get<ClientMessage>(decoded));
  }

  /// A frame that is no message.
  void on_control(Slot slot) {
    if (is_within_rate(slot)) return;
    replies_.refuse(slot, {ErrorCode::rate_limited, "Too many control frames", {}});
  }

 private:
  using Pending = typename DebtsT::Pending;
  using Stage = typename DebtsT::Stage;

  [[nodiscard]] bool is_within_rate(Slot slot) {
    return connections_.session(slot).rate.allow(environment_.now(), environment_.limits);
  }

  /// Offers a message of a type that is not the protocol's to the application.
  [[nodiscard]] bool offer_to_application([[maybe_unused]] Slot slot,
                                          [[maybe_unused]] std::string_view text) {
    if constexpr (has_on_unknown<ServicesT>()) {
      const auto type = find_type(text);
      if (!type) return false;
      const auto view = connections_.registry().identity(slot);
      // A copy: it lives until the call returns, whatever becomes of the connection.
      const Identity who{std::string(view->user_id), view->reach,
                         std::string(view->organization_id)};
      return environment_.services.messages.on_unknown(who, *type, text);
    } else {
      return false;
    }
  }

  void receive(Slot slot, const Ping& /*message*/) { replies_.send(slot, Pong{}); }

  void receive(Slot slot, const Presence& message) {
    connections_.session(slot).visible = message.visible;
  }

  /// `number`: of the message that it is an entry of; 0 for one that came alone.
  void receive(Slot slot, const Subscribe& message, std::uint32_t number = 0) {
    auto& session = connections_.session(slot);
    auto& registry = connections_.registry();
    const auto& order_id = message.order_id;
    const bool other_store = message.epoch && !epoch_.empty() && *message.epoch != epoch_;
    const auto since = other_store ? std::nullopt : message.since;
    if (auto* pending = session.find_pending(order_id)) {
      pending->merge(since, other_store, number);
      return;
    }
    Pending record;
    record.order_id = order_id;
    record.asked = 1;
    record.message = number;
    record.since = since;
    record.any_version = other_store;
    if (registry.is_subscribed(slot, order_id)) {
      if (!since && !other_store) return;  // Subscribed and authorized already: nothing to answer.
      record.stage = Stage::owed;
      record.due = TimePoint{};
      debts_.add(slot, std::move(record));
      questions_.read_owed(slot);
      return;
    }
    const auto most = environment_.limits.max_subscriptions;
    if (most != 0 && registry.subscriptions_of(slot) >= most) {
      replies_.refuse(slot,
                      {ErrorCode::too_many_subscriptions,
                       "This connection holds as many subscriptions as it may", order_id},
                      number);
      return;
    }
    registry.subscribe(slot, order_id);
    environment_.tell([](auto& observer) { observer.on_subscribed(); });
    const auto left_at = session.rare ? session.rare->left.take(hash_bytes(order_id, seed_)) : 0;
    // A client of another store takes whatever version comes.
    registry.find_subscription(slot, order_id)->set_version(other_store ? 0 : left_at);
    const auto id = session.id;
    questions_.authorize(slot, debts_.add(slot, std::move(record)));
    if (connections_.find_live(slot, id) != nullptr) heartbeat_.schedule(slot);
  }

  void receive(Slot slot, const Unsubscribe& message, std::uint32_t /*number*/ = 0) {
    auto& session = connections_.session(slot);
    const auto& order_id = message.order_id;
    if (auto* pending = session.find_pending(order_id)) session.erase_pending(*pending);
    const Watch* watch = connections_.registry().find_subscription(slot, order_id);
    if (watch == nullptr) return;
    if (watch->version() != 0) {
      session.need_rare().left.remember(hash_bytes(order_id, seed_), watch->version(),
                                        environment_.limits.max_subscriptions);
    }
    if (auto* outbox = session.outbox()) {
      outbox->drop_updates(order_id);
      outbox->take_application(announcement_prefix(Audience::watchers, order_id),
                               [](auto&&... /*dropped*/) {});
    }
    connections_.registry().unsubscribe(slot, order_id);
    environment_.tell([](auto& observer) { observer.on_unsubscribed(1); });
    questions_.read_owed(slot);  // What was being read for it may have kept others waiting.
  }

  /// Each entry as if it had been sent alone, until one of them is the end of the connection. What
  /// is refused of it counts as one refused message.
  template <class Message>
  void receive(Slot slot, const Batch<Message>& batch) {
    const auto id = connections_.session(slot).id;
    if (++batches_ == 0) ++batches_;
    const auto number = batches_;
    for (const auto& entry : batch.entries) {
      if (const auto* const error = std::get_if<DecodeError>(&entry)) {
        replies_.refuse(slot, {error->code, error->message, error->order_id}, number);
      } else {
        receive(slot, std::get<Message>(entry), number);
      }
      if (connections_.find_live(slot, id) == nullptr) return;
    }
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
  HeartbeatT& heartbeat_;
  DebtsT& debts_;
  QuestionsT& questions_;
  RepliesT& replies_;
  std::uint32_t batches_ = 0;  // The number of the last one, of whatever connection; never 0.
  std::uint64_t seed_ = hash_seed();
  std::string epoch_;
  std::string node_;
};

}  // namespace ordercast::detail
