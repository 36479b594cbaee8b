// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/debts.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/detail/heartbeat.hpp>
#include <ordercast/detail/payments.hpp>
#include <ordercast/detail/replies.hpp>
#include <ordercast/detail/watch.hpp>
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordercast::detail {

/// Asks the Authorizer and the OrderSource on behalf of subscriptions, and acts on the answers.
///
/// A subscription with a record is in one of five stages (pending_list.hpp). It asks the
/// authorizer; once authorized it may be owed the current order, which is read when the connection
/// has room: in the order of subscribing, a few at a time. A refusal waits in its record for room
/// as well, so that nobody is too slow for the answers to what they asked. An answer "unavailable",
/// none in time, or an exception is asked again; see Limits::retry_first. A service may answer from
/// inside the call, later, twice, or after the end of this. One thread at a time.
template <class Transport, class ServicesT>
class Questions {
 public:
  using ConnectionsT = Connections<Transport, ServicesT>;
  using DebtsT = Debts<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;
  using HeartbeatT = Heartbeat<Transport, ServicesT>;
  using PaymentsT = Payments<Transport, ServicesT>;
  using RepliesT = Replies<Transport, ServicesT>;
  using Pending = typename DebtsT::Pending;
  using Stage = typename DebtsT::Stage;

  Questions(EnvironmentT& environment, ConnectionsT& connections, HeartbeatT& heartbeat,
            DebtsT& debts, PaymentsT& payments, RepliesT& replies)
      : environment_(environment),
        connections_(connections),
        heartbeat_(heartbeat),
        debts_(debts),
        payments_(payments),
        replies_(replies) {}
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;
  Questions(Questions&&) = delete;
  Questions& operator=(Questions&&) = delete;
  ~Questions() = default;

  /// Asks the authorizer. It may answer from inside the call: `pending` must not be used
  /// afterwards.
  void authorize(Slot slot, Pending& pending) {
    const auto question = prepare_question(slot, pending, Stage::authorizing);
    // Copies: the service may read them for as long as the call lasts, whatever becomes of the
    // connection.
    const std::string order_id = pending.order_id;
    const auto view = connections_.registry().identity(slot);
    const Identity who{std::string(view->user_id), view->reach, std::string(view->organization_id)};
    try {
      environment_.services.authorizer.authorize(who, order_id, AuthorizeDone{question});
    } catch (...) {
      environment_.tell_failed("authorizer");
      on_unavailable(question);
    }
  }

  /// Tells what has ended and reads what is owed, first come first served, while there is room.
  void read_owed(Slot slot) {
    auto& session = connections_.session(slot);
    const auto& route = connections_.route(slot);
    if (!session.rare || session.rare->paying) return;
    const auto id = session.id;
    const std::size_t most = (std::max)(environment_.limits.max_concurrent_fetches, 1U);
    session.rare->paying = true;
    while (!route.queueing) {
      Pending* const next = session.rare->pending.next_refused();
      if (next == nullptr) break;
      refuse(slot, *next, next->refusal);
      if (connections_.find_live(slot, id) == nullptr) return;  // Gone, and the mark with it.
    }
    while (!route.queueing && session.rare->pending.fetching() < most) {
      Pending* const next = session.rare->pending.next_owed(environment_.now());
      if (next == nullptr) break;
      fetch(slot, *next);
      if (connections_.find_live(slot, id) == nullptr) return;
    }
    session.rare->paying = false;
    session.release_rare_if_empty();
    heartbeat_.schedule(slot);
  }

  /// Asks again what is due; an answer that did not come in time counts as "unavailable". False if
  /// that was the end of the connection.
  [[nodiscard]] bool ask_due(Slot slot, TimePoint now) {
    auto& session = connections_.session(slot);
    if (session.next_answer_due() > now) return true;
    const auto id = session.id;
    std::vector<std::uint64_t> due;
    session.rare->pending.for_each_due(now, [&](std::uint64_t request) { due.push_back(request); });
    for (const auto request : due) {
      if (connections_.find_live(slot, id) == nullptr) return false;
      Pending* const pending = session.find_request(request);
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
          break;  // Read below, if there is room.
      }
    }
    if (connections_.find_live(slot, id) == nullptr) return false;
    read_owed(slot);
    return connections_.find_live(slot, id) != nullptr;
  }

 private:
  /// Names one question. Its answer is ignored once this, the session, the record or that attempt
  /// is gone.
  struct Question {
    std::weak_ptr<Questions*> asker;
    Slot slot;
    std::uint64_t session;
    std::uint64_t request;
    std::uint32_t attempt;
  };
  /// The completion of `authorize`.
  struct AuthorizeDone {
    void operator()(bool allowed) const { (*this)(allowed ? Access::granted : Access::denied); }
    void operator()(Access access) const {
      if (const auto asker = question.asker.lock()) {
        (*asker)->on_authorized(question, access, std::nullopt);
      }
    }
    void operator()(GrantedAt answer) const {
      if (const auto asker = question.asker.lock()) {
        (*asker)->on_authorized(question, Access::granted, answer.version);
      }
    }
    Question question;
  };
  /// The completion of `fetch`.
  struct FetchDone {
    void operator()(const std::optional<OrderSnapshot>& snapshot) const {
      if (const auto asker = question.asker.lock()) {
        (*asker)->on_fetched(question, snapshot ? &*snapshot : nullptr);
      }
    }
    // Without a temporary of which GCC 12 at -O3 says that it may be uninitialized.
    void operator()(std::nullopt_t /*no snapshot*/) const {
      if (const auto asker = question.asker.lock()) (*asker)->on_fetched(question, nullptr);
    }
    void operator()(Unavailable /*answer*/) const {
      if (const auto asker = question.asker.lock()) (*asker)->on_unavailable(question);
    }
    Question question;
  };

  [[nodiscard]] Question prepare_question(Slot slot, Pending& pending, Stage stage) {
    auto& session = connections_.session(slot);
    session.rare->pending.set_stage(pending, stage);
    ++pending.attempt;
    const auto timeout = environment_.limits.answer_timeout;
    session.rare->pending.set_due(
        pending, timeout.count() == 0 ? (TimePoint::max)() : later_by(environment_.now(), timeout));
    return {self_, slot, session.id, pending.request, pending.attempt};
  }

  /// Asks the order source. `pending` must not be used afterwards.
  void fetch(Slot slot, Pending& pending) {
    const auto question = prepare_question(slot, pending, Stage::fetching);
    pending.promised_at_ask =
        connections_.registry().find_subscription(slot, pending.order_id)->version();
    const std::string order_id = pending.order_id;
    try {
      environment_.services.orders.fetch(order_id, FetchDone{question});
    } catch (...) {
      environment_.tell_failed("orders");
      on_unavailable(question);
    }
  }

  /// The record that an answer is for; null when it is not waited for any more.
  [[nodiscard]] Pending* find_asked(const Question& question, Stage stage) noexcept {
    auto* const session = connections_.find_live(question.slot, question.session);
    Pending* const pending = session != nullptr ? session->find_request(question.request) : nullptr;
    if (pending == nullptr || pending->attempt != question.attempt || pending->stage != stage) {
      return nullptr;
    }
    return pending;
  }

  void on_authorized(const Question& question, Access access,
                     std::optional<std::uint64_t> version) {
    connections_.guarded(question.slot, question.session, [&] {
      Pending* const pending = find_asked(question, Stage::authorizing);
      if (pending == nullptr) return;
      const Slot slot = question.slot;
      if (access == Access::unavailable) {
        ask_again(slot, *pending);
      } else if (access == Access::denied) {
        end(slot, *pending, ErrorCode::subscription_denied);
      } else if (version && has_already(*pending, *version)) {
        connections_.registry().find_subscription(slot, pending->order_id)->raise_version(*version);
        payments_.finish(slot, *pending);
      } else if (pending->since || pending->any_version || pending->must) {
        pending->troubled_since.reset();
        pending->tries = 0;
        debts_.make_due(slot, *pending);
        read_owed(slot);
      } else {
        payments_.finish(slot, *pending);
      }
    });
  }

  /// Whether the client needs nothing of an order that was in `version` after it had subscribed.
  [[nodiscard]] static bool has_already(const Pending& pending, std::uint64_t version) noexcept {
    return pending.since && *pending.since >= version && !pending.any_version && !pending.must;
  }

  void on_fetched(const Question& question, const OrderSnapshot* snapshot) {
    connections_.guarded(question.slot, question.session, [&] {
      Pending* const pending = find_asked(question, Stage::fetching);
      if (pending == nullptr) return;
      const Slot slot = question.slot;
      Watch& watch = *connections_.registry().find_subscription(slot, pending->order_id);
      // A snapshot that is older than what this connection was sent already has been overtaken.
      const bool is_current = snapshot != nullptr && snapshot->version >= watch.version();
      if (pending->must && !is_current) {
        if (snapshot != nullptr && snapshot->version >= pending->promised_at_ask) {
          // More was promised since it was read: once more at once.
          debts_.make_due(slot, *pending);
          read_owed(slot);
        } else {  // The store is behind what it has committed.
          ask_again(slot, *pending);
        }
        return;
      }
      if (is_current && !payments_.pay_with_snapshot(slot, *pending, watch, *snapshot)) return;
      payments_.finish(slot, *pending);
      read_owed(slot);
    });
  }

  void on_unavailable(const Question& question) {
    connections_.guarded(question.slot, question.session, [&] {
      Pending* pending = find_asked(question, Stage::authorizing);
      if (pending == nullptr) pending = find_asked(question, Stage::fetching);
      if (pending != nullptr) ask_again(question.slot, *pending);
    });
  }

  /// Sets the time of the next try, or gives up when there have been enough.
  void ask_again(Slot slot, Pending& pending) {
    auto& list = connections_.session(slot).rare->pending;
    const auto& limits = environment_.limits;
    const auto now = environment_.now();
    const bool is_first = !pending.troubled_since;
    if (is_first) pending.troubled_since = now;
    if (now >= later_by(*pending.troubled_since, limits.retry_for)) {
      end(slot, pending, ErrorCode::unavailable);
      return;
    }
    list.set_stage(pending, pending.is_authorized() ? Stage::owed : Stage::unanswered);
    list.set_due(pending, later_by(now, next_retry_delay(pending.tries++)));
    heartbeat_.schedule(slot);
    // A client is not told about a debt that it did not ask for until the manager gives up. A slow
    // client is not told either: the answer itself may reach it sooner than this message.
    if (!is_first || pending.asked == 0 || connections_.route(slot).queueing) return;
    const std::string order_id = pending.order_id;
    replies_.send_error(slot,
                        {ErrorCode::unavailable, "Asking again; the subscription stays", order_id});
  }

  /// Twice as long after each try, a random part less.
  [[nodiscard]] std::chrono::milliseconds next_retry_delay(std::uint32_t tries) {
    const auto& limits = environment_.limits;
    constexpr std::chrono::milliseconds least(1);
    const auto most = (std::max)(limits.retry_most, least);
    const auto times = std::int64_t{1} << (std::min)(tries, 10U);
    const auto delay =
        limits.retry_first >= most / times ? most : (std::max)(limits.retry_first * times, least);
    return environment_.random_between(delay / 2, delay);
  }

  /// Ends a subscription whose question was answered with no, or could not be answered. The answer
  /// waits in its record while the connection is slow.
  void end(Slot slot, Pending& pending, ErrorCode code) {
    if (!connections_.route(slot).queueing) {
      refuse(slot, pending, code);
      return;
    }
    auto& list = connections_.session(slot).rare->pending;
    list.set_stage(pending, Stage::refused);
    list.drop_held(pending);
    pending.refusal = code;
    pending.due = (TimePoint::max)();
    heartbeat_.schedule(slot);
  }

  void refuse(Slot slot, Pending& pending, ErrorCode code) {
    const std::string order_id = pending.order_id;
    const auto answers = (std::max)(pending.asked, 1U);
    const auto together = answers - pending.apart;
    const auto message = pending.message;
    connections_.session(slot).erase_pending(pending);
    if (connections_.registry().unsubscribe(slot, order_id)) {
      environment_.tell([](auto& observer) { observer.on_unsubscribed(1); });
    }
    if (code == ErrorCode::unavailable) {  // Nothing that the client did wrong.
      replies_.send_error(slot, {code, "This order can't be read just now", order_id});
      return;
    }
    for (std::uint32_t i = 0; i < answers && !connections_.route(slot).closing; ++i) {
      replies_.refuse(slot, {code, "This order can't be watched", order_id},
                      i < together ? message : 0);
    }
  }

  EnvironmentT& environment_;
  ConnectionsT& connections_;
  HeartbeatT& heartbeat_;
  DebtsT& debts_;
  PaymentsT& payments_;
  RepliesT& replies_;
  /// Completions hold this weakly, to find out whether this still exists.
  std::shared_ptr<Questions*> self_ = std::make_shared<Questions*>(this);
};

}  // namespace ordercast::detail
