// SPDX-License-Identifier: MIT
#include "simulation/cluster/node.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ordercast::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// As in docs/postgres.md.
constexpr seconds lease{30};

/// The shortest pause before what failed is published again; it grows with each failure.
constexpr milliseconds first_retry{100};

/// A reader notices after this time that nothing comes any more, not even a heartbeat.
constexpr seconds most_silence{3};

}  // namespace

ClusterTally& ClusterTally::operator+=(const ClusterTally& other) {
  delivered += other.delivered;
  kills += other.kills;
  pauses += other.pauses;
  partitions += other.partitions;
  taken_over += other.taken_over;
  repeated += other.repeated;
  lost += other.lost;
  lost_acks += other.lost_acks;
  comparisons += other.comparisons;
  newer += other.newer;
  longest = std::max(longest, other.longest);
  return *this;
}

/// Entries that this node has published and not marked yet. Callbacks hold it too.
struct Node::Batch {
  struct Entry {
    std::uint64_t row = 0;
    bool in_stream = false;
    bool failed = false;
  };
  std::vector<Entry> entries;
  std::size_t on_their_way = 0;
};

void Node::start() {
  server_ = std::make_unique<Server>();
  Limits limits;
  limits.max_outbox_messages = 8;
  for (auto left = 1 + shared_.pick(2); left > 0; --left) {
    auto shard = std::make_unique<Shard>(shared_.store, shared_.directory, shared_.clock, limits,
                                         server_->budget, shared_.random());
    shard->manager.set_epoch("1", std::to_string(number_));
    server_->all.add(shard->manager, [to = shard.get()](std::function<void()> task) {
      to->posted.push_back(std::move(task));
    });
    server_->shards.push_back(std::move(shard));
  }
  order_server::ResyncOptions options;
  options.batch = 1 + shared_.pick(3);
  resync_ = std::make_unique<order_server::Resync>(resync_world(), options, shared_.clock.now(),
                                                   shared_.random());
  resync_->set_hearing(false);
  counted_ = {};
  // A new node begins at the end of the stream.
  connected_ = false;
  identity_ = shared_.stream.identity();
  position_ = shared_.stream.last();
}

void Node::kill() {
  batch_.reset();
  resync_.reset();
  server_.reset();
}

void Node::cut_stream(milliseconds time) {
  stream_cut_until_ = shared_.clock.now() + time;
}

void Node::heal() {
  still_until_ = store_cut_until_ = stream_cut_until_ = TimePoint{};
  if (!up()) start();
}

// ---- The outbox ------------------------------------------------------------------

void Node::dispatch() {
  if (batch_) {
    if (batch_->on_their_way == 0) mark();
    return;
  }
  if (!reaches_store()) return;
  const auto now = shared_.clock.now();
  const auto batch = std::make_shared<Batch>();
  const auto most = 1 + shared_.pick(4);
  for (auto& [id, row] : shared_.outbox) {
    if (batch->entries.size() == most) break;
    const bool is_free = row.holder == -1 || row.leased_until <= now;
    if ((row.holder != number_ && !is_free) || row.retry_at > now) continue;
    if (row.holder != number_ && row.holder != -1) ++shared_.tally.taken_over;
    row.holder = number_;
    row.leased_until = now + lease;
    batch->entries.push_back({id, false, false});
  }
  if (batch->entries.empty()) return;
  batch_ = batch;
  batch->on_their_way = batch->entries.size();
  for (std::size_t i = 0; i < batch->entries.size(); ++i) {
    const OutboxRow row = shared_.outbox.at(batch->entries[i].row);
    const auto json = shared_.store.orders.at(row.order).json(row.order, row.version, 1);
    server_->all.publish(shared_.event(row.order, row.version, json),
                         [batch, i](PublishOutcome outcome) {
                           batch->entries[i].failed = outcome.failed_shards != 0;
                           --batch->on_their_way;
                         });
    batch->entries[i].in_stream = publish_to_stream(row);
  }
}

/// True if the stream acknowledges it.
bool Node::publish_to_stream(const OutboxRow& row) {
  if (!reaches_stream() || !hears()) return false;
  shared_.stream.append({row.order, row.version, number_});
  if (shared_.chance(5)) shared_.stream.append({row.order, row.version, number_});
  if (!shared_.chance(5)) return true;
  ++shared_.tally.lost_acks;
  return false;
}

/// What failed is let go, so that another node may publish it, which reaches the stream perhaps.
void Node::mark() {
  const auto batch = std::exchange(batch_, nullptr);
  if (!reaches_store()) return;
  for (const auto& entry : batch->entries) {
    const auto row = shared_.outbox.find(entry.row);
    if (row == shared_.outbox.end()) continue;
    const bool counts_as_stored =
        entry.in_stream || shared_.mistake == Mistake::mark_unacknowledged;
    if (!entry.failed && counts_as_stored) {
      shared_.outbox.erase(row);
    } else {
      row->second.holder = -1;
      row->second.retry_at = shared_.clock.now() + first_retry * (1U << shared_.pick(6));
    }
  }
}

// ---- The stream ------------------------------------------------------------------

bool Node::hears() const {
  return connected_ && identity_ == shared_.stream.identity() && position_ >= caught_up_at_;
}

void Node::miss(std::string_view why) {
  resync_->fell_behind(why);
}

/// Finds its place in the stream, and says so if something is missing there.
void Node::resume() {
  const auto& stream = shared_.stream;
  const bool is_another = identity_ != stream.identity();
  if (is_another) {
    identity_ = stream.identity();
    position_ = 0;
    caught_up_at_ = stream.last();
    if (shared_.mistake != Mistake::forget_gaps) miss("another stream");
  }
  if (position_ + 1 < stream.first()) {
    shared_.tally.lost += stream.first() - 1 - position_;
    position_ = stream.first() - 1;
    if (shared_.mistake != Mistake::forget_gaps) miss("the stream no longer has what was missed");
  }
}

void Node::hear() {
  const auto now = shared_.clock.now();
  if (!reaches_stream()) {
    if (connected_ && now - heard_at_ >= most_silence) {
      connected_ = false;
      miss("nothing comes any more");
    }
    return;
  }
  heard_at_ = now;
  if (!std::exchange(connected_, true)) caught_up_at_ = shared_.stream.last();
  resume();
  const auto& stream = shared_.stream;
  if (stream.last() >= stream.first() && shared_.chance(10)) {
    ++shared_.tally.repeated;  // Something old again, or something new before its turn.
    deliver(stream.at(stream.first() + shared_.pick(stream.last() + 1 - stream.first())));
  }
  if (position_ == stream.last()) return;
  ++position_;
  if (shared_.chance(2)) {
    ++shared_.tally.lost;
    if (shared_.mistake != Mistake::forget_gaps) miss("slow consumer");
    return;
  }
  deliver(stream.at(position_));
}

void Node::deliver(const Stream::Message& message) {
  if (message.publisher == number_) return;
  const auto& order = shared_.store.orders.at(message.order);
  const auto json = order.json(message.order, message.version, 1);
  server_->all.publish(shared_.event(message.order, message.version, json));
}

// ---- Threads ---------------------------------------------------------------------

void Node::run_some() {
  server_->shards[shared_.pick(server_->shards.size())]->run_posted(1 + shared_.pick(4));
}

/// Runs all that was posted, as the thread that compares waits for its answers.
void Node::flush() {
  for (auto& shard : server_->shards) {
    while (!shard->posted.empty()) shard->run_posted(100);
  }
}

bool Node::answer() {
  auto& answers = server_->shards[shared_.pick(server_->shards.size())]->answers;
  if (answers.empty()) return false;
  const auto at = shared_.pick(answers.size());
  const auto call = std::move(answers[at]);
  answers.erase(answers.begin() + at);
  if (!reaches_store()) shared_.store.locked_until = store_cut_until_;
  call();
  shared_.store.locked_until.reset();
  return true;
}

void Node::tick() {
  const auto now = shared_.clock.now();
  for (auto& shard : server_->shards) shard->manager.tick(now);
  resync_->set_hearing(hears());
  if (shared_.mistake == Mistake::no_resync) return;
  // A comparison is in the middle when the next change comes.
  for (auto left = 1 + shared_.pick(100); left > 0 && resync_->step(now) <= now; --left) {
  }
  const auto counts = resync_->counts();
  shared_.tally.comparisons += counts.completed - counted_.completed;
  shared_.tally.newer += counts.newer - counted_.newer;
  counted_ = counts;
}

std::string Node::unrest(bool is_cut_off) const {
  if (batch_) return "a batch is not marked";
  if (!is_cut_off && (position_ != shared_.stream.last() || !hears())) {
    return "it has not heard the end of the stream";
  }
  if (!is_cut_off && shared_.mistake != Mistake::no_resync) {
    if (const auto why = resync_->behind()) return "behind: " + *why;
  }
  const bool waits = std::any_of(
      server_->shards.begin(), server_->shards.end(),
      [](const auto& shard) { return !shard->answers.empty() || !shard->posted.empty(); });
  return waits ? "an I/O thread has work" : "";
}

// ---- What a comparison needs -----------------------------------------------------

void Node::require_store() const {
  if (!reaches_store()) throw std::runtime_error("the store does not answer");
}

/// As `resync_world` of the order server, without waiting for other threads.
order_server::ResyncWorld Node::resync_world() {
  using order_server::Piece;
  using order_server::WatchedVersion;
  order_server::ResyncWorld world;
  world.shards = server_->shards.size();
  world.watched = [this](std::size_t shard, std::uint32_t from, std::uint32_t most) {
    flush();
    auto& manager = server_->shards[shard]->manager;
    Piece<WatchedVersion> piece;
    piece.next = manager.registry().for_each_order(from, most, [&](std::string_view id) {
      piece.items.push_back({std::string(id), manager.oldest_version(id)});
    });
    return piece;
  };
  world.users = [this](std::size_t shard, std::uint32_t from, std::uint32_t most) {
    Piece<std::string> piece;
    piece.next = server_->shards[shard]->manager.registry().for_each_user(
        from, most, [&](std::string_view id) { piece.items.emplace_back(id); });
    return piece;
  };
  world.organizations = [this](std::size_t shard) {
    std::vector<std::string> ids;
    const auto& registry = server_->shards[shard]->manager.registry();
    registry.for_each_organization([&](std::string_view id) { ids.emplace_back(id); });
    if (registry.has_all_seeing()) ids.emplace_back();
    return ids;
  };
  world.versions = [this](const std::vector<std::string>& ids) {
    require_store();
    std::vector<WatchedVersion> versions;
    for (const auto& id : ids) {
      const auto found = shared_.store.orders.find(id);
      if (found != shared_.store.orders.end()) versions.push_back({id, found->second.version});
    }
    return versions;
  };
  world.publish = [this](const std::string& id) {
    require_store();
    const auto& order = shared_.store.orders.at(id);
    const auto json = order.json(id, order.version, 1);
    server_->all.publish(shared_.event(id, order.version, json));
    flush();
  };
  world.hint_user = [this](const std::string& id) { publish_hint(id, {}); };
  world.hint_organization = [this](const std::string& id) { publish_hint({}, id); };
  return world;
}

/// Any order of theirs; one without either stands for all orders.
void Node::publish_hint(std::string_view user, std::string_view organization) {
  require_store();
  for (const auto& [id, order] : shared_.store.orders) {
    if (!user.empty() && order.owner != user) continue;
    if (!organization.empty() && order.organization != organization) continue;
    server_->all.publish(shared_.event(id, 0, {}), ChangeMessages::hints);
    return;
  }
}

}  // namespace ordercast::simulation
