// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: messages from clients. Include connection_manager.hpp.
namespace ordercast {

template <class T, class S>
void ConnectionManager<T, S>::on_message(Handle handle, std::string_view text) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  guarded(slot, sessions_[slot].id, [&] {
    if (!sessions_[slot].rate.allow(services_.clock.now(), limits_)) {
      refuse(slot, ErrorCode::rate_limited, "Too many messages", {});
      return;
    }
    const Decoded decoded = decode(text);
    if (const auto* error = std::get_if<DecodeError>(&decoded)) {
      if (error->code == ErrorCode::unknown_type && offer_to_application(slot, text)) return;
      refuse(slot, error->code, error->message, error->order_id);
      return;
    }
    std::visit([&](const auto& message) { receive(slot, message); },
               std::get<ClientMessage>(decoded));
  });
}

/// Offers a message of an unknown type to the application.
template <class T, class S>
bool ConnectionManager<T, S>::offer_to_application([[maybe_unused]] Slot slot,
                                                   [[maybe_unused]] std::string_view text) {
  if constexpr (detail::has_on_unknown<S>()) {
    const auto type = detail::find_type(text);
    if (!type) return false;
    const auto view = registry_.identity(slot);
    // A copy, which stays valid until the call returns even if the connection closes.
    const Identity who{std::string(view->user_id), view->reach, std::string(view->organization_id)};
    return services_.messages.on_unknown(who, *type, text);
  } else {
    return false;
  }
}

template <class T, class S>
void ConnectionManager<T, S>::receive(Slot slot, const Ping& /*message*/) {
  send_control(slot, Pong{});
}

template <class T, class S>
void ConnectionManager<T, S>::on_control(Handle handle) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  if (sessions_[slot].rate.allow(services_.clock.now(), limits_)) return;
  guarded(slot, sessions_[slot].id,
          [&] { refuse(slot, ErrorCode::rate_limited, "Too many control frames", {}); });
}

template <class T, class S>
void ConnectionManager<T, S>::receive(Slot slot, const Presence& message) {
  sessions_[slot].visible = message.visible;
}

template <class T, class S>
void ConnectionManager<T, S>::receive(Slot slot, const Unsubscribe& message) {
  SessionT& session = sessions_[slot];
  if (auto* pending = session.find_pending(message.order_id)) session.erase_pending(*pending);
  const Watch* watch = registry_.find_subscription(slot, message.order_id);
  if (watch == nullptr) return;
  if (watch->version() != 0) {
    session.need_rare().left.remember(detail::hash_bytes(message.order_id, seed_), watch->version(),
                                      limits_.max_subscriptions);
  }
  if (auto* outbox = session.outbox()) {
    outbox->drop_updates(message.order_id);
    outbox->take_application(detail::announcement_prefix(Audience::watchers, message.order_id),
                             [](auto&&... /*dropped*/) {});
  }
  registry_.unsubscribe(slot, message.order_id);
  tell([](auto& observer) { observer.on_unsubscribed(1); });
  pay(slot);  // A read for this order may have delayed others.
}

template <class T, class S>
void ConnectionManager<T, S>::receive(Slot slot, const Subscribe& message) {
  SessionT& session = sessions_[slot];
  const bool other_store = message.epoch && !epoch_.empty() && *message.epoch != epoch_;
  const auto since = other_store ? std::nullopt : message.since;
  if (auto* pending = session.find_pending(message.order_id)) {
    pending->merge(since, other_store);
    return;
  }
  Pending record;
  record.order_id = message.order_id;
  record.asked = 1;
  record.since = since;
  record.any_version = other_store;
  record.request = ++last_request_;
  if (registry_.is_subscribed(slot, message.order_id)) {
    if (!since && !other_store) return;  // Already subscribed and authorized: no answer.
    record.stage = Stage::owed;
    record.due = TimePoint{};
    session.need_rare().pending.add(std::move(record));
    pay(slot);
    return;
  }
  const auto most = limits_.max_subscriptions;
  if (most != 0 && registry_.subscriptions_of(slot) >= most) {
    refuse(slot, ErrorCode::too_many_subscriptions,
           "This connection holds as many subscriptions as it may", message.order_id);
    return;
  }
  registry_.subscribe(slot, message.order_id);
  tell([](auto& observer) { observer.on_subscribed(); });
  // A client of another store accepts any version.
  const auto left_at =
      session.rare ? session.rare->left.take(detail::hash_bytes(message.order_id, seed_)) : 0;
  registry_.find_subscription(slot, message.order_id)->set_version(other_store ? 0 : left_at);
  const auto id = session.id;
  authorize(slot, session.need_rare().pending.add(std::move(record)));
  if (find_live(slot, id) != nullptr) schedule(slot);
}

template <class T, class S>
void ConnectionManager<T, S>::refuse(Slot slot, ErrorCode code, std::string_view message,
                                     std::string_view order_id) {
  tell([&](auto& observer) { observer.on_error(code); });
  if (sessions_[slot].need_rare().abuse.refuse(services_.clock.now(), limits_)) {
    close(slot, CloseCode::policy_violation, "Too many refused messages");
    return;
  }
  send_control(slot, ErrorMessage{code, message, order_id});
}

}  // namespace ordercast
