// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <algorithm>
#include <chrono>

// The world: its set-up, the server's side of a step, and what holds all along. Clients are in
// clients.cpp.
namespace ordercast::simulation {

using std::chrono::milliseconds;

namespace {
constexpr milliseconds drain_window{5'000};
}

Tally& Tally::operator+=(const Tally& other) {
  delivered += other.delivered;
  connects += other.connects;
  restarts += other.restarts;
  drains += other.drains;
  too_slow += other.too_slow;
  abusive += other.abusive;
  too_many += other.too_many;
  twice += other.twice;
  return *this;
}

Simulation::Simulation(std::uint32_t seed) : random_(seed) {
  directory_.users = {
      {"alice", {"alice", Role::customer, ""}},  {"bob", {"bob", Role::customer, ""}},
      {"sam", {"sam", Role::staff, "org-1"}},    {"tom", {"tom", Role::org_admin, "org-2"}},
      {"root", {"root", Role::super_admin, ""}}, {"mallory", {"mallory", Role::customer, ""}}};
  directory_.tokens["mallory's"] = "mallory";
  const auto orders = 1 + pick(6);
  for (std::uint32_t i = 0; i < orders; ++i) {
    store_.orders["order-" + std::to_string(i)] = {chance(50) ? "alice" : "bob",
                                                   chance(50) ? "org-1" : "org-2"};
  }
  const std::vector<std::string> names = {"alice", "bob", "sam", "tom", "root"};
  const auto clients = 1 + pick(8);
  for (std::uint32_t i = 0; i < clients; ++i) {
    Client client;
    client.user = names[pick(names.size())];
    for (const auto& [id, order] : store_.orders) {
      if (!may_watch(directory_.users[client.user], order.owner, order.organization)) {
        client.may_not.insert(id);
      } else if (chance(70)) {
        client.seen[id] = order.version;
      }
    }
    clients_.push_back(std::move(client));
  }
  attackers_.resize(chance(50) ? pick(13) : 0);
  start_server();
}

Limits Simulation::limits() const {
  Limits limits;
  limits.max_outbox_messages = 8;
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
    server_->all.add(shard->manager, [posted = &shard->posted](std::function<void()> task) {
      posted->push_back(std::move(task));
    });
    server_->shards.push_back(std::move(shard));
  }
}

void Simulation::run() {
  const auto steps = 50 + pick(250);
  for (std::uint32_t i = 0; i < steps; ++i) {
    step();
    check_bounds();
  }
  settle();
}

void Simulation::step() {
  ++now_;
  Client& client = clients_[pick(clients_.size())];
  switch (pick(19)) {
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
      read(client, 1 + pick(6));
      break;
    case 9:
      if (client.handle) lose(client);
      break;
    case 10:
      client.reads = chance(60);
      break;
    case 11:
      pass(milliseconds(1 + pick(chance(10) ? 40'000 : 500)));
      break;
    case 12:
      if (client.handle && chance(60)) ask_again(client);
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
  auto at = store_.orders.begin();
  std::advance(at, pick(store_.orders.size()));
  store_.outbox.emplace_back(at->first, ++at->second.version);
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
  server.batch = std::min<std::size_t>(1 + pick(4), store_.outbox.size());
  server.in_flight = server.batch;
  for (std::size_t i = 0; i < server.batch; ++i) {
    const auto& [id, version] = store_.outbox[i];
    auto& order = store_.orders[id];
    order.published_at = now_;
    const auto json = Store::json(id, version);
    server.all.publish(
        {id, order.owner, order.organization, std::to_string(version), version, json},
        [&server](PublishOutcome /*outcome*/) { --server.in_flight; });
  }
}

void Simulation::mark_dispatched() {
  const auto done = static_cast<std::ptrdiff_t>(std::exchange(server_->batch, 0));
  if (chance(3)) return;  // The database failed: the batch is published again.
  store_.outbox.erase(store_.outbox.begin(), store_.outbox.begin() + done);
}

/// One of the I/O threads gets a turn.
void Simulation::run_some() {
  server_->shards[pick(server_->shards.size())]->run_posted(1 + pick(4));
}

/// Any of the answers that wait, whatever was asked first; some services answer twice.
void Simulation::answer() {
  auto& answers = server_->shards[pick(server_->shards.size())]->answers;
  if (answers.empty()) return;
  const auto at = pick(answers.size());
  const auto call = std::move(answers[at]);
  answers.erase(answers.begin() + at);
  call();
  if (!chance(5)) return;
  ++tally_.twice;
  call();
}

void Simulation::restart() {
  ++tally_.restarts;
  for (auto& client : clients_) client.handle.reset();
  for (auto& attacker : attackers_) attacker.handle.reset();
  start_server();
}

void Simulation::drain() {
  if (server_->ends_at) return;
  ++tally_.drains;
  server_->ends_at = clock_.now() + drain_window;
  for (auto& shard : server_->shards) shard->manager.begin_drain(drain_window);
}

void Simulation::pass(milliseconds time) {
  clock_.advance(time);
  for (auto& shard : server_->shards) shard->manager.tick(clock_.now());
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

/// What the server holds is bounded by who is connected, whatever they do and however long.
void Simulation::check_bounds() {
  std::size_t on_wires = 0;
  std::size_t sessions = 0;
  std::size_t posted = 0;
  for (const auto& shard : server_->shards) {
    for (const auto& [handle, wire] : shard->network.wires) {
      if (wire.bytes > Network::high_water + 256)
        throw Broken("a wire is over its high-water mark");
      on_wires += wire.buffered.size();
    }
    sessions += shard->manager.sessions();
    posted += shard->posted.size();
    if (shard->manager.subscriptions() > shard->manager.sessions() * store_.orders.size()) {
      throw Broken("there are more subscriptions than connections may hold");
    }
  }
  // Beside what is on the wires: a full outbox each, what is held for each subscription that waits
  // for its answer, and what a publish has on its way to the shards.
  const auto held = sessions * (limits().max_outbox_messages + store_.orders.size()) + 2 * posted;
  if (Network::Text::alive() - frames_before_ > on_wires + held) {
    throw Broken("the server holds more frames than its bounds allow");
  }
  for (const auto& user : directory_.users) {
    std::size_t open = 0;
    for (const auto& shard : server_->shards) open += shard->connections_of(user.first);
    if (open > limits().max_connections_per_user) throw Broken("a user has too many connections");
  }
}

void Simulation::check_drained() {
  for (const auto& shard : server_->shards) {
    for (const auto& [handle, wire] : shard->network.wires) {
      if (!wire.closed_by_server && !wire.gone) throw Broken("a drain left a connection open");
    }
    if (shard->manager.connections() != 0)
      throw Broken("a drain left a connection in the registry");
  }
}

/// A drain says when to come back, within its window.
void Simulation::check_close(const Network::Wire& wire) const {
  if (wire.code != CloseCode::service_restart) return;
  const std::string prefix = "retry-after-ms=";
  if (wire.reason.compare(0, prefix.size(), prefix) != 0 ||
      std::stoll(wire.reason.substr(prefix.size())) > drain_window.count()) {
    throw Broken("1012 without a time to come back: " + wire.reason);
  }
}

/// The world comes to rest: nothing changes any more, everybody reads. Then everybody must have the
/// final version of whatever they watch.
void Simulation::settle() {
  if (server_->ends_at) pass(drain_window);
  for (int round = 0; round < 200; ++round) {
    ++now_;
    while (is_busy()) {
      dispatch();
      for (auto& shard : server_->shards) shard->run_posted(100);
      answer();
    }
    bool busy = false;
    for (auto& client : clients_) {
      client.reads = true;
      if (!client.handle) {
        connect(client);
        busy = true;
      }
      read(client, 1000);
      busy = busy || !client.handle || !wire_of(*client.handle).buffered.empty();
    }
    if (!busy && !is_busy()) break;
  }
  for (const auto& client : clients_) check_final(client);
  for (auto& client : clients_) {
    if (client.handle) lose(client);
  }
  for (auto& attacker : attackers_) {
    if (attacker.handle) close(*attacker.handle);
  }
  for (const auto& shard : server_->shards) {
    if (shard->manager.sessions() != 0 || shard->manager.subscriptions() != 0) {
      throw Broken("something is left of connections that have gone");
    }
    shard->posted.clear();
    shard->answers.clear();
  }
  if (server_->budget.users() != 0) throw Broken("a place is taken by a connection that has gone");
  if (Network::Text::alive() != frames_before_) throw Broken("a frame outlived its connections");
}

}  // namespace ordercast::simulation
