// SPDX-License-Identifier: MIT
#include "realtime/resync.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <unordered_map>

namespace order_server {

using std::chrono::milliseconds;

Resync::Resync(ResyncWorld world, ResyncOptions options, TimePoint now, std::uint64_t seed)
    : world_(std::move(world)),
      options_(options),
      random_(seed),
      not_before_(now),
      completed_at_(now) {}

void Resync::fell_behind(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  ++asked_;
  reason_ = std::string(reason);
}

void Resync::set_hearing(bool hears) {
  const std::lock_guard lock(mutex_);
  if (hears_ == hears) return;
  hears_ = hears;
  ++asked_;
  reason_ = hears ? "the stream is heard again" : "the stream isn't heard";
}

std::optional<std::string> Resync::behind() const {
  const std::lock_guard lock(mutex_);
  if (hears_ && asked_ == done_) return std::nullopt;
  return reason_;
}

Resync::Counts Resync::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Resync::TimePoint Resync::step(TimePoint now) {
  choose(now);
  if (stage_ == Stage::idle) return when_due();
  if (now < not_before_) return not_before_;
  try {
    if (batches_ == 0) cover();
    work();
    failed_in_a_row_ = 0;
  } catch (const std::exception& error) {
    note_failure(now, error.what());
    return not_before_;
  }
  if (stage_ == Stage::idle) {
    complete(now);
    choose(now);
    return stage_ == Stage::idle ? when_due() : not_before_;
  }
  if (kind_ == Kind::timer) not_before_ = now + pause_between_batches();
  return std::max(now, not_before_);
}

/// Starts the comparison that is due. A comparison by the timer gives way to one that was asked
/// for.
void Resync::choose(TimePoint now) {
  if (stage_ != Stage::idle && kind_ != Kind::timer) return;
  const auto [is_asked, hears] = [this] {
    const std::lock_guard lock(mutex_);
    return std::pair(asked_ != done_, hears_);
  }();
  if (is_asked) return begin(Kind::asked, now + random_up_to(options_.jitter));
  if (stage_ != Stage::idle) return;
  if (!hears && now >= completed_at_ + options_.poll) {
    begin(Kind::poll, now + random_up_to(options_.jitter));
  } else if (options_.interval.count() > 0 && now >= completed_at_ + options_.interval / 2) {
    begin(Kind::timer, now);
  }
}

void Resync::begin(Kind kind, TimePoint when) {
  kind_ = kind;
  stage_ = Stage::orders;
  not_before_ = when;
  shard_ = 0;
  from_ = 0;
  batches_ = 0;
}

/// This comparison covers every request up to its first look at an order.
void Resync::cover() {
  const std::lock_guard lock(mutex_);
  covers_ = asked_;
  if (kind_ == Kind::asked) ++counts_.begun;
}

/// Spreads a comparison over half of the interval, by the size of the last one. There may be far
/// more orders now, so a pause is never long.
milliseconds Resync::pause_between_batches() const {
  constexpr milliseconds longest{500};
  const auto batches = static_cast<milliseconds::rep>(std::max<std::uint64_t>(last_batches_, 1));
  return std::min<milliseconds>(options_.interval / (2 * batches), longest);
}

void Resync::note_failure(TimePoint now, const char* what) {
  const auto doublings = std::min<std::uint64_t>(failed_in_a_row_++, 16);
  const auto pause = std::min<milliseconds>(
      options_.first_backoff * (milliseconds::rep{1} << doublings), options_.last_backoff);
  not_before_ = now + pause;
  spdlog::error("resync: {}; trying again in {} ms", what, pause.count());
  const std::lock_guard lock(mutex_);
  ++counts_.failures;
}

void Resync::work() {
  ++batches_;
  switch (stage_) {
    case Stage::orders:
      return compare_orders();
    case Stage::organizations:
      return hint_organizations();
    case Stage::users:
      return hint_users();
    case Stage::idle:
      break;
  }
}

void Resync::compare_orders() {
  const auto piece = world_.watched(shard_, from_, options_.batch);
  std::unordered_map<std::string_view, std::uint64_t> here;
  std::vector<std::string> ids;
  for (const auto& one : piece.items) {
    here.emplace(one.order_id, one.version);
    ids.push_back(one.order_id);
  }
  std::uint64_t newer = 0;
  if (!ids.empty()) {
    for (const auto& stored : world_.versions(ids)) {
      const auto found = here.find(stored.order_id);
      if (found == here.end() || stored.version <= found->second) continue;
      world_.publish(stored.order_id);
      ++newer;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    counts_.compared += ids.size();
    counts_.newer += newer;
  }
  from_ = piece.next;
  if (from_ == 0) next_shard(kind_ == Kind::timer ? Stage::idle : Stage::organizations);
}

void Resync::hint_organizations() {
  for (const auto& id : world_.organizations(shard_)) world_.hint_organization(id);
  next_shard(kind_ == Kind::poll ? Stage::idle : Stage::users);
}

void Resync::hint_users() {
  const auto piece = world_.users(shard_, from_, options_.batch);
  for (const auto& id : piece.items) world_.hint_user(id);
  from_ = piece.next;
  if (from_ == 0) next_shard(Stage::idle);
}

void Resync::next_shard(Stage then) {
  from_ = 0;
  if (++shard_ < world_.shards) return;
  shard_ = 0;
  stage_ = then;
}

void Resync::complete(TimePoint now) {
  completed_at_ = now;
  last_batches_ = batches_;
  const std::lock_guard lock(mutex_);
  if (kind_ == Kind::asked) {
    done_ = covers_;
    ++counts_.completed;
  }
}

Resync::TimePoint Resync::when_due() const {
  const std::lock_guard lock(mutex_);
  auto due = TimePoint::max();
  if (options_.interval.count() > 0) due = completed_at_ + options_.interval / 2;
  if (!hears_) due = std::min(due, completed_at_ + options_.poll);
  return due;
}

milliseconds Resync::random_up_to(milliseconds most) {
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, most.count())(random_));
}

}  // namespace order_server
