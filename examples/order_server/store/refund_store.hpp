// SPDX-License-Identifier: MIT
#pragma once

#include "domain/refunds.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The queue of refunds: one row for each payment that has to go back, written with the change that
/// makes it due, and kept for ever: it is about money. Implementations block; any thread; every
/// failure is a `StoreError`.
namespace order_server {

/// A refund that has to be asked for, or looked at again.
struct RefundJob {
  std::int64_t id = 0;
  std::string order_id;
  std::string payment_id;  ///< The provider's.
  std::int64_t amount_minor = 0;
  std::string refund_id;      ///< The provider's, once it is requested.
  std::int64_t round = 0;     ///< Counts how often an operator has begun anew.
  std::int64_t attempts = 0;  ///< Of this round, those that are planned again.
};

struct RefundStats {
  std::int64_t waiting = 0;        ///< Not at an end: due or requested.
  std::int64_t oldest_age_ms = 0;  ///< Of those; 0 when there is none.
  std::int64_t dead = 0;           ///< Failed: an operator has to look.
};

/// What `report_refund` did.
struct RefundResult {
  bool known_payment = false;
  ChangeResult change;
};

class RefundStore {
 public:
  virtual ~RefundStore() = default;

  /// Up to `limit` refunds whose time has come, the longest due first. Where several nodes share
  /// the database, one that another node has taken within the last minute is not among them; asked
  /// for twice all the same, the provider pays once.
  virtual std::vector<RefundJob> due_refunds(std::size_t limit, std::int64_t now_ms) = 0;

  /// When the next refund that is not due yet will be; nothing when there is none.
  virtual std::optional<std::int64_t> next_refund_at(std::int64_t now_ms) = 0;

  /// The attempt has ended in nothing: it is made again then.
  virtual void postpone_refund(std::int64_t id, std::int64_t due_at_ms,
                               const std::string& error) = 0;

  /// Writes down what the provider says of a whole payment (a part of it that was given
  /// back by hand changes nothing), with what `decide_refund` makes of it, in one transaction.
  /// What is requested is looked at again at `look_at_ms`; what has ended stays as it ended, but
  /// that a failed one may still be done.
  virtual RefundResult report_refund(const RefundReport& report, std::int64_t look_at_ms,
                                     std::int64_t now_ms) = 0;

  virtual RefundStats refund_stats(std::int64_t now_ms) = 0;
};

}  // namespace order_server
