// SPDX-License-Identifier: MIT
#include "realtime/order_lookup.hpp"

#include "domain/printable.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace order_server {

void OrderLookup::find(const std::string& order_id, Found found) {
  metrics_.lookups.add();
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[order_id];
    waiting.push_back(std::move(found));
    if (waiting.size() > 1) return;
  }
  if (!pool_.submit([this, order_id] { read(order_id, take(order_id), 0); })) {
    give_up("too many look-ups wait", take(order_id));
  }
}

OrderLookup::Waiting OrderLookup::take(const std::string& order_id) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(order_id);
  if (found == waiting_.end()) return {};
  auto waiting = std::move(found->second);
  waiting_.erase(found);
  return waiting;
}

void OrderLookup::read(const std::string& order_id, const Waiting& waiting, std::size_t number) {
  metrics_.lookup_reads.add();
  std::optional<Order> order;
  try {
    order = store_.find_order(order_id);
  } catch (const std::exception& error) {
    if (number == delays_.size()) {
      give_up(error.what(), waiting);
      return;
    }
    auto again = [this, order_id, waiting, number] { read(order_id, waiting, number + 1); };
    if (!pool_.submit_after(delays_[number], std::move(again))) {
      give_up("too many look-ups wait", waiting);
    }
    return;
  }
  std::optional<FoundOrder> shared;
  if (order) shared.emplace(std::move(*order));
  for (const auto& found : waiting) found(shared ? &*shared : nullptr);
}

void OrderLookup::give_up(const char* reason, const Waiting& waiting) {
  metrics_.lookup_failures.add(static_cast<std::int64_t>(waiting.size()));
  spdlog::error("{} look-ups of an order given up: {}", waiting.size(), printable(reason));
  for (const auto& found : waiting) found(nullptr);
}

}  // namespace order_server
