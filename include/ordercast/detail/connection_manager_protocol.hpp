// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: what clients say, and how a subscription comes to be. Include
/// connection_manager.hpp.
namespace ordercast {

template <class T, class S>
void ConnectionManager<T, S>::on_message(Handle handle, std::string_view text) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  if (!sessions_[slot].rate.allow(services_.clock.now(), limits_)) {
    refuse(slot, ErrorCode::rate_limited, "Too many messages", {});
    return;
  }
  const Decoded decoded = decode(text);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) {
    refuse(slot, error->code, error->message, error->order_id);
    return;
  }
  std::visit([&](const auto& message) { this->handle(slot, message); },
             std::get<ClientMessage>(decoded));
}

template <class T, class S>
void ConnectionManager<T, S>::handle(Slot slot, const Ping& /*message*/) {
  send_control(slot, Pong{});
}

template <class T, class S>
void ConnectionManager<T, S>::on_control(Handle handle) {
  const Slot slot = find(handle);
  if (slot == npos || routes_[slot].closing) return;
  if (sessions_[slot].rate.allow(services_.clock.now(), limits_)) return;
  refuse(slot, ErrorCode::rate_limited, "Too many control frames", {});
}

template <class T, class S>
void ConnectionManager<T, S>::handle(Slot slot, const Presence& message) {
  sessions_[slot].visible = message.visible;
}

template <class T, class S>
void ConnectionManager<T, S>::handle(Slot slot, const Unsubscribe& message) {
  SessionT& session = sessions_[slot];
  if (auto* pending = session.find_pending(message.order_id)) session.erase_pending(*pending);
  const Watch* watch = registry_.find_subscription(slot, message.order_id);
  if (watch == nullptr) return;
  if (watch->version() != 0) {
    session.remember_floor(detail::hash_bytes(message.order_id, seed_), watch->version(),
                           limits_.max_subscriptions);
  }
  if (auto* outbox = session.outbox()) outbox->drop_updates(message.order_id);
  registry_.unsubscribe(slot, message.order_id);
  services_.observer.on_unsubscribed(1);
}

template <class T, class S>
void ConnectionManager<T, S>::handle(Slot slot, const Subscribe& message) {
  SessionT& session = sessions_[slot];
  if (auto* pending = session.find_pending(message.order_id)) {
    pending->merge(message.since);
    return;
  }
  Pending pending;
  pending.order_id = message.order_id;
  pending.since = message.since;
  if (registry_.is_subscribed(slot, message.order_id)) {
    if (!message.since) return;  // Subscribed and authorized already; there is nothing to answer.
    pending.resync = true;
    pending.stage = Pending::Stage::fetching;
  } else {
    const auto most = limits_.max_subscriptions;
    if (most != 0 && registry_.subscriptions_of(slot) >= most) {
      refuse(slot, ErrorCode::too_many_subscriptions,
             "This connection holds as many subscriptions as it may", message.order_id);
      return;
    }
    registry_.subscribe(slot, message.order_id);
    services_.observer.on_subscribed();
    registry_.find_subscription(slot, message.order_id)
        ->set_version(session.take_floor(detail::hash_bytes(message.order_id, seed_)));
  }
  ask(slot, std::move(pending));
}

/// Puts the question of a pending subscription to the services. The answer may come from inside.
template <class T, class S>
void ConnectionManager<T, S>::ask(Slot slot, Pending pending) {
  SessionT& session = sessions_[slot];
  const auto request = pending.request = ++last_request_;
  const bool resync = pending.resync;
  // The service may read the id for as long as the call lasts, whatever becomes of the question.
  const std::string order_id = pending.order_id;
  session.need_extra().pending.push_back(std::move(pending));
  if (resync) {
    fetch(slot, request);
    return;
  }
  services_.authorizer.authorize(*registry_.identity(slot), order_id,
                                 AuthorizeDone{this, slot, session.id, request});
}

template <class T, class S>
void ConnectionManager<T, S>::fetch(Slot slot, std::uint64_t request) {
  SessionT& session = sessions_[slot];
  Pending* pending = session.find_request(request);
  pending->stage = Pending::Stage::fetching;
  const std::string order_id = pending->order_id;
  services_.orders.fetch(order_id, FetchDone{this, slot, session.id, request});
}

template <class T, class S>
void ConnectionManager<T, S>::on_authorized(Slot slot, std::uint64_t session_id,
                                            std::uint64_t request, bool allowed) {
  SessionT* const session = find_live(slot, session_id);
  Pending* pending = session != nullptr ? session->find_request(request) : nullptr;
  if (pending == nullptr || pending->stage != Pending::Stage::authorizing) return;
  if (allowed) {
    if (pending->since) {
      fetch(slot, request);
    } else {
      activate(slot, *pending);
    }
    return;
  }
  const std::string order_id = std::move(pending->order_id);
  const auto asked = pending->asked;
  session->erase_pending(*pending);
  registry_.unsubscribe(slot, order_id);
  services_.observer.on_unsubscribed(1);
  for (std::uint32_t i = 0; i < asked && !routes_[slot].closing; ++i) {
    refuse(slot, ErrorCode::subscription_denied, "This order can't be watched", order_id);
  }
}

template <class T, class S>
void ConnectionManager<T, S>::on_fetched(Slot slot, std::uint64_t session_id, std::uint64_t request,
                                         const std::optional<OrderSnapshot>& snapshot) {
  SessionT* const session = find_live(slot, session_id);
  Pending* pending = session != nullptr ? session->find_request(request) : nullptr;
  if (pending == nullptr || pending->stage != Pending::Stage::fetching) return;
  Watch& watch = *registry_.find_subscription(slot, pending->order_id);
  // A snapshot that is older than what this connection was sent already has been overtaken.
  if (snapshot && snapshot->version >= watch.version()) {
    watch.set_version(snapshot->version);
    if (snapshot->version > pending->since.value_or(0)) {
      const auto message = prepare_message<T>(OrderUpdated{pending->order_id, snapshot->json});
      if (deliver(slot, routes_[slot], QueuedKind::order_updated, pending->order_id, message)) {
        services_.observer.on_delivered(MessageType::order_updated, 1);
      }
    }
  }
  activate(slot, *pending);
}

/// Opens a subscription to what is published, with what came while it was pending.
template <class T, class S>
void ConnectionManager<T, S>::activate(Slot slot, Pending& pending) {
  SessionT& session = sessions_[slot];
  Watch& watch = *registry_.find_subscription(slot, pending.order_id);
  watch.activate();
  const auto held = std::move(pending.held);
  const std::string order_id = std::move(pending.order_id);
  session.erase_pending(pending);
  if (held && (held->version == 0 || held->version > watch.version())) {
    watch.set_version(held->version);
    if (deliver(slot, routes_[slot], QueuedKind::order_updated, order_id,
                {held->frame, held->bytes})) {
      services_.observer.on_delivered(MessageType::order_updated, 1);
    }
  }
  close_overflowing();
}

template <class T, class S>
void ConnectionManager<T, S>::refuse(Slot slot, ErrorCode code, std::string_view message,
                                     std::string_view order_id) {
  services_.observer.on_error(code);
  if (sessions_[slot].need_extra().abuse.refuse(services_.clock.now(), limits_)) {
    close(slot, CloseCode::policy_violation, "Too many refused messages");
    return;
  }
  send_control(slot, ErrorMessage{code, message, order_id});
}

}  // namespace ordercast
