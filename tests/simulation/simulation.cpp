// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <algorithm>
#include <chrono>

// The world: its set-up, the server's side of a step, and what holds all along. Clients are in
// clients.cpp.
namespace ordercast::simulation {

using std::chrono::milliseconds;

Tally& Tally::operator+=(const Tally& other) {
  delivered += other.delivered;
  connects += other.connects;
  restarts += other.restarts;
  drains += other.drains;
  too_slow += other.too_slow;
  abusive += other.abusive;
  too_many += other.too_many;
  twice += other.twice;
  unavailable += other.unavailable;
  thrown += other.thrown;
  bytes += other.bytes;
  restores += other.restores;
  lost += other.lost;
  messages += other.messages;
  replaced += other.replaced;
  crowded += other.crowded;
  return *this;
}

Simulation::Simulation(std::uint32_t seed) : random_(seed) {
  pick_messages(seed);
  directory_.users = {{"alice", {"alice", Reach::own}},
                      {own_.bob, {own_.bob, Reach::own}},
                      {"sam", {"sam", Reach::organization, "org-1"}},
                      {"tom", {"tom", Reach::organization, "org-2"}},
                      {"root", {"root", Reach::everything}},
                      {"mallory", {"mallory", Reach::own}}};
  directory_.tokens["mallory's"] = {"mallory"};
  weather_.wide = chance(15);
  weather_.heavy = chance(20);
  weather_.steady = chance(30);
  weather_.crawls = weather_.steady && chance(30);
  weather_.kernel = chance(30);
  weather_.restores = chance(15);
  weather_.locks = chance(25);
  weather_.shuffles = chance(15);
  weather_.throws = chance(15);
  // From less than a message to more than any.
  if (weather_.kernel) kernel_room_ = pick(chance(50) ? 1'000 : 100'000);
  const auto orders = weather_.wide ? 50 + pick(20) : 1 + pick(6);
  for (std::uint32_t i = 0; i < orders; ++i) {
    auto& order = store_.orders[(i == 0 ? own_.first_order : "order-" + std::to_string(i))];
    // In a wide world most orders belong to few, so that one connection has many.
    const auto most = weather_.wide ? 90U : 50U;
    order.owner = chance(most) ? "alice" : own_.bob;
    order.organization = chance(most) ? "org-1" : "org-2";
    if (weather_.heavy) order.padding = pick(chance(50) ? 40'000 / orders : 120'000 / orders);
  }
  const std::vector<std::string> names = {"alice", own_.bob, "sam", "tom", "root"};
  const auto clients = 1 + pick(8);
  for (std::uint32_t i = 0; i < clients; ++i) {
    Client client;
    client.user = names[pick(names.size())];
    if (weather_.steady && chance(50)) {
      client.rate = weather_.crawls ? 20 + pick(80) : 100 + pick(900);
    }
    if (weather_.restores) client.epoch = std::to_string(store_.epoch);
    for (const auto& [id, order] : store_.orders) {
      if (!may_watch(directory_.users[client.user], OwnerId(order.owner),
                     OrganizationId(order.organization))) {
        client.may_not.insert(id);
      } else if (weather_.wide || chance(70)) {
        client.seen[id] = order.version;
        client.seen_epoch[id] = store_.epoch;
      }
    }
    clients_.push_back(std::move(client));
  }
  attackers_.resize(chance(50) ? pick(13) : 0);
  start_server();
}

std::string Simulation::weather() const {
  std::string words;
  const auto add = [&](bool is, const char* word) { words += is ? word : ""; };
  add(weather_.wide, " wide");
  add(weather_.heavy, " heavy");
  add(weather_.steady, " steady");
  add(weather_.crawls, " crawls");
  add(weather_.kernel, " kernel");
  add(weather_.restores, " restores");
  add(weather_.locks, " locks");
  add(weather_.shuffles, " shuffles");
  add(weather_.throws, " throws");
  add(weather_.messages, " messages");
  return words.empty() ? " calm" : words;
}

Limits Simulation::limits() const {
  Limits limits;
  limits.max_outbox_messages = weather_.wide ? 250 : 8;
  if (weather_.heavy) limits.max_outbox_bytes = std::size_t{4} * 1024;
  limits.max_subscriptions = store_.orders.size();
  limits.max_connections_per_user = 9;  // Enough for clients of one user; attackers are more.
  limits.abuse_threshold = 25;
  return limits;
}

void Simulation::start_server() {
  server_ = std::make_unique<Server>();
  const auto shards = 1 + pick(3);
  for (std::uint32_t i = 0; i < shards; ++i) {
    auto shard = std::make_unique<Shard>(store_, directory_, clock_, limits(), server_->budget,
                                         static_cast<std::uint32_t>(random_()));
    shard->network.chaos.random = &random_;
    if (weather_.kernel) shard->network.kernel_room = kernel_room_;
    if (weather_.restores) shard->manager.set_epoch(std::to_string(store_.epoch), "node");
    shard->manager.on_announce = [this, at = shard.get()](const auto& announcement) {
      return address(*at, announcement);
    };
    server_->all.add(shard->manager, [to = shard.get()](std::function<void()> task) {
      to->network.chaos.maybe();
      to->posted.push_back(std::move(task));
    });
    server_->shards.push_back(std::move(shard));
  }
}

void Simulation::run() {
  const auto steps = 50 + pick(250);
  for (std::uint32_t i = 0; i < steps; ++i) {
    step();
    if (weather_.messages) announce();
    check_bounds();
  }
  settle();
}

void Simulation::step() {
  ++now_;
  Client& client = clients_[pick(clients_.size())];
  switch (pick(21)) {
    case 0:
    case 1:
    case 2:
      commit();
      break;
    case 3:
    case 4:
      dispatch();
      break;
    case 5:
    case 6:
      answer();
      break;
    case 7:
    case 8:
      if (client.rate == 0) read(client, 1 + pick(6));
      break;
    case 9:
      if (client.handle) lose(client);
      break;
    case 10:
      client.reads = client.rate != 0 || chance(60);
      break;
    case 11:
      pass(milliseconds(1 + pick(chance(10) ? 40'000 : 500)));
      break;
    case 12:
      if (client.handle && chance(60)) ask_again(client);
      if (client.handle && weather_.wide && chance(50)) leave_many(client);
      if (client.handle && !client.may_not.empty() && chance(50)) {
        subscribe(client, *client.may_not.begin(), 0);
      }
      break;
    case 13:
      if (chance(15)) {
        restart();
      } else if (chance(10)) {
        drain();
      } else if (chance(20)) {
        revoke(client);
      } else {
        client.token.clear();  // It expires: the next connect is refused.
      }
      if (chance(20)) step_wall_clock();
      break;
    case 17:
      look_for(client);
      break;
    case 18:
      if (weather_.locks && chance(30)) lock();
      break;
    case 14:
    case 15:
      run_some();
      break;
    case 16:
      for (auto& attacker : attackers_) attack(attacker);
      break;
    default:
      if (!client.handle) connect(client);
  }
}

void Simulation::commit() {
  if (store_.locked_until || chance(2)) return;  // Rolled back: nothing was promised.
  auto at = store_.orders.begin();
  std::advance(at, pick(store_.orders.size()));
  // In a wide world orders change many at once, as when a shop opens.
  for (auto left = weather_.wide ? 1 + pick(store_.orders.size()) : 1; left > 0; --left) {
    store_.outbox.emplace_back(at->first, ++at->second.version);
    store_.commits.push_back(at->first);
    if (++at == store_.orders.end()) at = store_.orders.begin();
  }
}

/// The dispatcher publishes a batch in the order of commits, waits for every shard, and marks it; a
/// crash before the mark makes the next one publish the same again.
void Simulation::dispatch() {
  Server& server = *server_;
  if (server.in_flight > 0) return;
  if (server.batch > 0) {
    mark_dispatched();
    return;
  }
  if (store_.locked_until) return;
  const std::size_t most = weather_.wide ? 64 : 4;
  server.batch = std::min<std::size_t>(1 + pick(most), store_.outbox.size());
  server.in_flight = server.batch;
  std::vector<std::size_t> turns(server.batch);
  for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = i;
  if (weather_.shuffles) std::shuffle(turns.begin(), turns.end(), random_);
  for (auto& shard : server.shards) shard->network.chaos.on = weather_.throws;
  for (const auto turn : turns) {
    const auto& [id, version] = store_.outbox[turn];
    auto& order = store_.orders[id];
    order.published_at = now_;
    const auto json = order.json(id, version, store_.epoch);
    server.all.publish({id, OwnerId(order.owner), OrganizationId(order.organization),
                        std::to_string(version), version, json},
                       [&server](PublishOutcome outcome) {
                         --server.in_flight;
                         server.failed = server.failed || outcome.failed_shards != 0;
                       });
  }
  for (auto& shard : server.shards) shard->network.chaos.on = false;
}

void Simulation::mark_dispatched() {
  const auto done = static_cast<std::ptrdiff_t>(std::exchange(server_->batch, 0));
  // The database failed, or a shard did: the batch is published again.
  if (store_.locked_until || std::exchange(server_->failed, false)) return;
  if (chance(weather_.shuffles ? 30 : 3)) return;
  store_.outbox.erase(store_.outbox.begin(), store_.outbox.begin() + done);
}

/// One of the I/O threads gets a turn.
void Simulation::run_some() {
  server_->shards[pick(server_->shards.size())]->run_posted(1 + pick(4), weather_.throws);
}

/// Any of the answers that wait, whatever was asked first; some services answer twice.
bool Simulation::answer() {
  auto& answers = server_->shards[pick(server_->shards.size())]->answers;
  if (answers.empty()) return false;
  const auto at = pick(answers.size());
  const auto call = std::move(answers[at]);
  answers.erase(answers.begin() + at);
  if (weather_.locks && chance(2)) {  // This question is never answered.
    ++tally_.lost;
    return true;
  }
  call();
  if (!chance(5)) return true;
  ++tally_.twice;
  call();
  return true;
}

/// Something else holds the database, for up to a minute.
void Simulation::lock() {
  if (!store_.locked_until) store_.locked_until = clock_.now() + milliseconds(1 + pick(60'000));
}

/// The wall clock is put right, or wrong; tokens may expire by it, and nothing else may happen.
void Simulation::step_wall_clock() {
  directory_.wall_ms += (chance(50) ? 1 : -1) * static_cast<std::int64_t>(pick(2 * 60 * 60 * 1000));
}

/// The push worker asks whether a user is looking.
void Simulation::look_for(const Client& client) {
  server_->all.last_heard(client.user, chance(80), [](std::optional<TimePoint> /*heard*/) {});
}

void Simulation::restart() {
  ++tally_.restarts;
  for (auto& client : clients_) client.handle.reset();
  for (auto& attacker : attackers_) attacker.handle.reset();
  if (weather_.restores && chance(50)) restore();
  start_server();
}

/// An operator serves a backup: the newest changes are gone, though clients have seen them, and
/// their versions will be given again. Only the new epoch tells clients.
void Simulation::restore() {
  ++tally_.restores;
  ++store_.epoch;
  for (auto left = pick(20); left > 0 && !store_.commits.empty(); --left) {
    const auto id = store_.commits.back();
    store_.commits.pop_back();
    auto& version = store_.orders[id].version;
    if (!store_.outbox.empty() && store_.outbox.back() == std::pair(id, version)) {
      store_.outbox.pop_back();
    }
    --version;
  }
}

void Simulation::drain() {
  if (server_->ends_at) return;
  ++tally_.drains;
  server_->ends_at = clock_.now() + drain_window;
  for (auto& shard : server_->shards) shard->manager.begin_drain(drain_window);
}

/// Time goes by, in slices if a client reads all the time.
void Simulation::pass(milliseconds time) {
  if (!weather_.steady) {
    pass_slice(time);
    return;
  }
  for (; time > milliseconds(0); time -= slice) pass_slice(std::min(time, slice));
}

void Simulation::pass_slice(milliseconds time) {
  clock_.advance(time);
  directory_.wall_ms += time.count();
  if (store_.locked_until && *store_.locked_until <= clock_.now()) store_.locked_until.reset();
  // A push looks for its user first, whatever they are in the middle of.
  if (weather_.steady && chance(1)) look_for(clients_[pick(clients_.size())]);
  for (auto& client : clients_) {
    if (client.rate != 0) {
      const auto share = client.rate * static_cast<std::size_t>(time.count()) / slice.count();
      read(client, SIZE_MAX, std::max<std::size_t>(share, 1));
    }
  }
  for (auto& shard : server_->shards) {
    // A thread that was held up brings the time of before.
    if (chance(5)) shard->manager.tick(clock_.now() - time);
    shard->manager.tick(clock_.now());
  }
  if (!server_->ends_at || clock_.now() < *server_->ends_at) return;
  check_drained();
  restart();
}

bool Simulation::is_busy() const {
  if (!store_.outbox.empty()) return true;
  return std::any_of(server_->shards.begin(), server_->shards.end(), [](const auto& shard) {
    return !shard->answers.empty() || !shard->posted.empty();
  });
}

}  // namespace ordercast::simulation
