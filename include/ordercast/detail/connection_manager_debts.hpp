// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_manager.hpp>

/// Bodies of ConnectionManager: open questions and debts. Include connection_manager.hpp.
///
/// A subscription with a record in its session is in one of five stages (pending_list.hpp). First
/// the manager asks the authorizer. Once authorized, the subscription may be owed the current
/// order, which is read when the connection has room: in the order of subscribing, a few at a time.
/// A refusal also waits in its record for room, so that a slow client gets every answer. After
/// "unavailable", no answer in time, or an exception, the manager asks again; see
/// Limits::retry_first.
namespace ordercast {

/// Prepares the next question of a record.
template <class T, class S>
auto ConnectionManager<T, S>::ask(Slot slot, Pending& pending, Stage stage) -> Question {
  auto& list = sessions_[slot].rare->pending;
  list.set_stage(pending, stage);
  ++pending.attempt;
  const auto timeout = limits_.answer_timeout;
  list.set_due(pending, timeout.count() == 0 ? (TimePoint::max)()
                                             : later_by(services_.clock.now(), timeout));
  return {self_, slot, sessions_[slot].id, pending.request, pending.attempt};
}

/// Asks the authorizer. It may answer from inside the call: `pending` must not be used afterwards.
template <class T, class S>
void ConnectionManager<T, S>::authorize(Slot slot, Pending& pending) {
  const auto question = ask(slot, pending, Stage::authorizing);
  // Copies: the service may read them during the call, even if the connection closes.
  const std::string order_id = pending.order_id;
  const auto view = registry_.identity(slot);
  const Identity who{std::string(view->user_id), view->reach, std::string(view->organization_id)};
  try {
    services_.authorizer.authorize(who, order_id, AuthorizeDone{question});
  } catch (...) {
    on_unavailable(question);
  }
}

/// Asks the order source. `pending` must not be used afterwards.
template <class T, class S>
void ConnectionManager<T, S>::fetch(Slot slot, Pending& pending) {
  const auto question = ask(slot, pending, Stage::fetching);
  pending.promised_at_ask = registry_.find_subscription(slot, pending.order_id)->version();
  const std::string order_id = pending.order_id;
  try {
    services_.orders.fetch(order_id, FetchDone{question});
  } catch (...) {
    on_unavailable(question);
  }
}

/// Returns the record that an answer is for; null if nothing waits for it any more.
template <class T, class S>
auto ConnectionManager<T, S>::find_asked(const Question& question, Stage stage) noexcept
    -> Pending* {
  SessionT* const session = find_live(question.slot, question.session);
  Pending* const pending = session != nullptr ? session->find_request(question.request) : nullptr;
  if (pending == nullptr || pending->attempt != question.attempt || pending->stage != stage) {
    return nullptr;
  }
  return pending;
}

template <class T, class S>
void ConnectionManager<T, S>::on_authorized(const Question& question, Access access) {
  guarded(question.slot, question.session, [&] {
    Pending* const pending = find_asked(question, Stage::authorizing);
    if (pending == nullptr) return;
    const Slot slot = question.slot;
    if (access == Access::unavailable) {
      ask_again(slot, *pending);
    } else if (access == Access::denied) {
      end_pending(slot, *pending, ErrorCode::subscription_denied);
    } else if (pending->since || pending->any_version || pending->must) {
      pending->troubled_since.reset();
      pending->tries = 0;
      sessions_[slot].rare->pending.set_stage(*pending, Stage::owed);
      pending->due = TimePoint{};
      pay(slot);
    } else {
      activate(slot, *pending);
    }
  });
}

template <class T, class S>
void ConnectionManager<T, S>::on_fetched(const Question& question, const OrderSnapshot* snapshot) {
  guarded(question.slot, question.session, [&] {
    Pending* const pending = find_asked(question, Stage::fetching);
    if (pending == nullptr) return;
    const Slot slot = question.slot;
    Watch& watch = *registry_.find_subscription(slot, pending->order_id);
    // A snapshot older than what this connection has been sent is obsolete.
    const bool is_current = snapshot != nullptr && snapshot->version >= watch.version();
    if (pending->must && !is_current) {
      if (snapshot != nullptr && snapshot->version >= pending->promised_at_ask) {
        // A newer version was promised after the read: read again at once.
        sessions_[slot].rare->pending.set_stage(*pending, Stage::owed);
        pending->due = TimePoint{};
        pay(slot);
      } else {  // The store returned less than it has committed.
        ask_again(slot, *pending);
      }
      return;
    }
    if (is_current) {
      const bool wanted =
          pending->must || pending->any_version || snapshot->version > pending->since.value_or(0);
      if (wanted) {
        const auto message = prepare_message<T>(OrderUpdated{pending->order_id, snapshot->json});
        switch (
            deliver(slot, routes_[slot], QueuedKind::order_updated, pending->order_id, message)) {
          case Delivery::sent:
            count_delivered(MessageType::order_updated, 1);
            break;
          case Delivery::queued:
            break;
          case Delivery::full:  // Read again when there is room.
            sessions_[slot].rare->pending.set_stage(*pending, Stage::owed);
            pending->due = TimePoint{};
            return;
          case Delivery::gone:
            close_doomed();
            return;
        }
      }
      watch.set_version(snapshot->version);
    }
    activate(slot, *pending);
    pay(slot);
  });
}

template <class T, class S>
void ConnectionManager<T, S>::on_unavailable(const Question& question) {
  guarded(question.slot, question.session, [&] {
    Pending* pending = find_asked(question, Stage::authorizing);
    if (pending == nullptr) pending = find_asked(question, Stage::fetching);
    if (pending != nullptr) ask_again(question.slot, *pending);
  });
}

/// Sets the time of the next attempt, or gives up after enough of them.
template <class T, class S>
void ConnectionManager<T, S>::ask_again(Slot slot, Pending& pending) {
  auto& list = sessions_[slot].rare->pending;
  const auto now = services_.clock.now();
  const bool is_first = !pending.troubled_since;
  if (is_first) pending.troubled_since = now;
  if (now >= later_by(*pending.troubled_since, limits_.retry_for)) {
    end_pending(slot, pending, ErrorCode::unavailable);
    return;
  }
  list.set_stage(pending, pending.is_authorized() ? Stage::owed : Stage::unanswered);
  const auto most = (std::max)(limits_.retry_most, std::chrono::milliseconds(1));
  const auto times = std::int64_t{1} << (std::min)(pending.tries++, 10U);
  const auto delay = limits_.retry_first >= most / times
                         ? most
                         : (std::max)(limits_.retry_first * times, std::chrono::milliseconds(1));
  std::uniform_int_distribution<std::int64_t> jitter(delay.count() / 2, delay.count());
  list.set_due(pending, later_by(now, std::chrono::milliseconds(jitter(random_))));
  schedule(slot);
  // A client is not told about a debt that it did not ask for until the manager gives up. A slow
  // client is not told either: the answer itself may reach it sooner than this message.
  if (!is_first || pending.asked == 0 || routes_[slot].queueing) return;
  tell([](auto& observer) { observer.on_error(ErrorCode::unavailable); });
  const std::string order_id = pending.order_id;
  send_control(
      slot, ErrorMessage{ErrorCode::unavailable, "Asking again; the subscription stays", order_id});
}

/// Ends a subscription that was denied, or whose question could not be answered. The answer waits
/// in its record while the connection is slow.
template <class T, class S>
void ConnectionManager<T, S>::end_pending(Slot slot, Pending& pending, ErrorCode code) {
  if (!routes_[slot].queueing) {
    drop_pending(slot, pending, code);
    return;
  }
  auto& list = sessions_[slot].rare->pending;
  list.set_stage(pending, Stage::refused);
  list.drop_held(pending);
  pending.refusal = code;
  pending.due = (TimePoint::max)();
  schedule(slot);
}

template <class T, class S>
void ConnectionManager<T, S>::drop_pending(Slot slot, Pending& pending, ErrorCode code) {
  const auto reason = code == ErrorCode::unavailable ? "This order can't be read just now"
                                                     : "This order can't be watched";
  const std::string order_id = pending.order_id;
  const auto answers = code == ErrorCode::unavailable ? 1U : (std::max)(pending.asked, 1U);
  sessions_[slot].erase_pending(pending);
  if (registry_.unsubscribe(slot, order_id)) {
    tell([](auto& observer) { observer.on_unsubscribed(1); });
  }
  if (code == ErrorCode::unavailable) {  // Not the client's fault.
    tell([&](auto& observer) { observer.on_error(code); });
    send_control(slot, ErrorMessage{code, reason, order_id});
    return;
  }
  for (std::uint32_t i = 0; i < answers && !routes_[slot].closing; ++i) {
    refuse(slot, code, reason, order_id);
  }
}

/// Ends a record: sends what was held, and lets the subscription get changes directly.
template <class T, class S>
void ConnectionManager<T, S>::activate(Slot slot, Pending& pending) {
  Watch& watch = *registry_.find_subscription(slot, pending.order_id);
  if (pending.held && (pending.held->version == 0 || pending.held->version > watch.version())) {
    const auto& held = *pending.held;
    switch (deliver(slot, routes_[slot], QueuedKind::order_updated, pending.order_id,
                    {held.frame, held.bytes})) {
      case Delivery::sent:
        count_delivered(MessageType::order_updated, 1);
        [[fallthrough]];
      case Delivery::queued:
        watch.set_version(held.version);
        break;
      case Delivery::full: {
        const auto version = held.version;
        auto& list = sessions_[slot].rare->pending;
        list.drop_held(pending);
        list.set_stage(pending, Stage::owed);
        owe(slot, std::string(pending.order_id), version);
        return;
      }
      case Delivery::gone:
        close_doomed();
        return;
    }
  }
  finish(slot, watch, pending);
  close_doomed();
}

/// Handles a change of an order whose subscription has a record.
template <class T, class S>
void ConnectionManager<T, S>::defer_update(Slot slot, Watch& watch,
                                           const Broadcast<Frame>& broadcast) {
  SessionT& session = sessions_[slot];
  Pending* const pending = session.find_pending(broadcast.order_id);
  if (pending == nullptr) return;
  if (pending->stage == Stage::refused) return;
  const auto version = broadcast.version;
  if (pending->must && pending->is_authorized()) {
    // The change pays the debt itself if it can go out now.
    if (version != 0 && version <= watch.version()) return;
    RouteT& route = routes_[slot];
    if (route.queueing) {
      watch.raise_version(version);
      return;
    }
    const auto result =
        deliver(slot, route, QueuedKind::order_updated, broadcast.order_id, broadcast.updated);
    if (result == Delivery::gone) return;
    if (result == Delivery::sent) count_delivered(MessageType::order_updated, 1);
    watch.set_version(version);
    finish(slot, watch, *pending);
    return;
  }
  // Version 0: the publisher has no versions, so every change is sent.
  if (pending->held && version != 0 && version <= pending->held->version) return;
  const auto most = can_owe ? limits_.max_outbox_bytes : 0;
  if (session.rare->pending.hold(*pending, broadcast.updated.frame, broadcast.updated.bytes,
                                 version, most)) {
    return;
  }
  pending->must = true;
  watch.raise_version(version);
}

/// Makes the order a debt to a subscription, in this version or a newer one. Its watch stores the
/// version.
template <class T, class S>
void ConnectionManager<T, S>::owe(Slot slot, std::string_view order_id, std::uint64_t version) {
  SessionT& session = sessions_[slot];
  Watch& watch = *registry_.find_subscription(slot, order_id);
  if (Pending* const pending = session.find_pending(order_id)) {
    auto& list = session.rare->pending;
    // The read in progress may return an older version, so read again.
    if (pending->is_authorized()) {
      list.set_stage(*pending, Stage::owed);
      pending->due = TimePoint{};
    }
    pending->must = true;
    move_behind_debt(slot, *pending);
  } else {
    Pending debt;
    debt.order_id = std::string(order_id);
    debt.request = ++last_request_;
    debt.stage = Stage::owed;
    debt.must = true;
    debt.due = TimePoint{};
    move_behind_debt(slot, session.need_rare().pending.add(std::move(debt)));
  }
  watch.raise_version(version);
  watch.defer();
}

/// Reports refusals and reads owed orders, first come first served, while there is room.
template <class T, class S>
void ConnectionManager<T, S>::pay(Slot slot) {
  if (!sessions_[slot].rare || sessions_[slot].rare->paying) return;
  const auto session = sessions_[slot].id;
  const std::size_t most = (std::max)(limits_.max_concurrent_fetches, 1U);
  sessions_[slot].rare->paying = true;
  while (!routes_[slot].queueing) {
    Pending* const next = sessions_[slot].rare->pending.next_refused();
    if (next == nullptr) break;
    drop_pending(slot, *next, next->refusal);
    if (find_live(slot, session) == nullptr) return;  // The connection is gone.
  }
  while (!routes_[slot].queueing && sessions_[slot].rare->pending.fetching() < most) {
    Pending* const next = sessions_[slot].rare->pending.next_owed(services_.clock.now());
    if (next == nullptr) break;
    fetch(slot, *next);
    if (find_live(slot, session) == nullptr) return;
  }
  sessions_[slot].rare->paying = false;
  sessions_[slot].release_rare_if_empty();
  schedule(slot);
}

/// Repeats the questions that are due. A late answer counts as "unavailable".
template <class T, class S>
void ConnectionManager<T, S>::ask_due(Slot slot, TimePoint now) {
  const auto session = sessions_[slot].id;
  std::vector<std::uint64_t> due;
  sessions_[slot].rare->pending.for_each_due(
      now, [&](std::uint64_t request) { due.push_back(request); });
  for (const auto request : due) {
    if (find_live(slot, session) == nullptr) return;
    Pending* const pending = sessions_[slot].find_request(request);
    if (pending == nullptr || pending->due > now) continue;
    switch (pending->stage) {
      case Stage::unanswered:
        authorize(slot, *pending);
        break;
      case Stage::authorizing:
      case Stage::fetching:
        ++pending->attempt;  // A late answer is ignored.
        ask_again(slot, *pending);
        break;
      case Stage::owed:
      case Stage::refused:
        break;  // Paid below, if there is room.
    }
  }
  if (find_live(slot, session) != nullptr) pay(slot);
}

}  // namespace ordercast
