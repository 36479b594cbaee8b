// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <algorithm>
#include <chrono>

// What holds all along, and when the world has come to rest.
namespace ordercast::simulation {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void Simulation::check_networks() const {
  if (!broken_.empty()) throw Broken(broken_);
  for (const auto& shard : server_->shards) {
    if (!shard->network.broken.empty()) throw Broken(shard->network.broken);
  }
}

/// The server's memory is bounded by its connections, whatever they do and however long.
void Simulation::check_bounds() {
  check_networks();
  std::size_t on_wires = 0;
  std::size_t sessions = 0;
  std::size_t posted = 0;
  std::size_t wire_bytes = 0;
  std::size_t largest = 256;
  for (const auto& [id, order] : store_.orders) largest = std::max(largest, order.padding + 256);
  largest = std::max(largest, own_.largest + 256);
  for (const auto& shard : server_->shards) {
    for (const auto& [handle, wire] : shard->network.wires) {
      if (wire.bytes > shard->network.kernel_room + Network::high_water + largest)
        throw Broken("a wire is over its high-water mark");
      on_wires += wire.buffered.size();
      wire_bytes += wire.bytes + wire.front_taken;
    }
    sessions += shard->manager.sessions();
    posted += shard->posted.size();
    if (shard->manager.subscriptions() > shard->manager.sessions() * store_.orders.size()) {
      throw Broken("there are more subscriptions than connections may hold");
    }
  }
  // Beside what is on the wires: a full outbox each, what is held for each subscription that waits
  // for its answer, as many messages as fill an outbox behind debts, and what a publish has on its
  // way to the shards.
  const auto most = limits().max_outbox_messages;
  const auto behind_debts = weather_.messages ? most : 0;
  const auto held = sessions * (most + store_.orders.size() + behind_debts) + 2 * posted;
  if (Network::Text::alive() - frames_before_ > on_wires + held) {
    throw Broken("the server holds more frames than its bounds allow");
  }
  // The same in bytes: one message above the bound is let in, whatever its size, and what is held
  // for subscriptions that wait has a bound of its own.
  const auto each = std::max(limits().max_outbox_bytes, largest);
  const auto times = weather_.messages ? 3U : 2U;
  const auto held_bytes = times * sessions * each + 2 * posted * largest;
  if (Network::Text::alive_bytes() - bytes_before_ > wire_bytes + held_bytes) {
    throw Broken("the server holds more bytes than its bounds allow");
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
  auto quiet = milliseconds(0);
  // Enough for the slowest to read all there is twice, and for a lock and what follows it.
  for (milliseconds left = minutes(weather_.crawls ? 60 : 10); left > milliseconds(0);
       left -= slice) {
    ++now_;
    const bool busy = settle_round();
    quiet = busy ? milliseconds(0) : quiet + slice;
    const bool all_final = std::all_of(
        clients_.begin(), clients_.end(),
        [this](const Client& client) { return has_final(client) && !client.mail.missing(); });
    // A server that waits with a question on its own account does so for a minute at most.
    if (!busy && (all_final || quiet > seconds(90))) break;
    pass(slice);
  }
  check_networks();
  for (const auto& client : clients_) check_final(client);
  for (const auto& shard : server_->shards) tally_.thrown += shard->network.chaos.thrown;
  check_nothing_left();
}

/// Everything that can happen at this moment happens. Returns whether anything is left to do.
bool Simulation::settle_round() {
  for (int turns = 0; is_busy() && !store_.locked_until; ++turns) {
    if (turns > 100'000) throw Broken("the dispatcher waits for ever");
    dispatch();
    for (auto& shard : server_->shards) shard->run_posted(100);
    answer();
  }
  bool busy = is_busy();
  for (auto& client : clients_) {
    client.reads = true;
    if (!client.handle) {
      connect(client);
      busy = true;
    }
    if (client.rate == 0) read(client, 1000);
    busy = busy || !client.handle;
    if (client.handle) {
      const auto& wire = wire_of(*client.handle);
      busy = busy || wire.closed_by_server || wire.gone || !wire.buffered.empty();
    }
    if (!client.handle || store_.locked_until) continue;
    for (const auto& order : std::exchange(client.again, {})) {
      if (client.seen.count(order) != 0) subscribe(client, order, client.seen[order]);
      busy = true;
    }
  }
  return busy || store_.locked_until.has_value();
}

bool Simulation::has_final(const Client& client) const {
  const auto& epochs = client.seen_epoch;
  return client.handle &&
         std::all_of(
             client.seen.begin(), client.seen.end(),
             [&](const auto& one) { return one.second == store_.orders.at(one.first).version; }) &&
         (client.epoch.empty() || std::all_of(epochs.begin(), epochs.end(), [&](const auto& one) {
            return one.second == store_.epoch;
          }));
}

void Simulation::check_final(const Client& client) {
  if (!client.handle) throw Broken(client.user + " could not come back");
  for (const auto& [id, version] : client.seen) {
    const auto final_version = store_.orders[id].version;
    if (version != final_version) {
      throw Broken(client.user + " has version " + std::to_string(version) + " of " + id +
                   ", and the final one is " + std::to_string(final_version));
    }
  }
  // The same number may stand for something else in a store that was put back.
  for (const auto& [id, epoch] : client.seen_epoch) {
    if (!client.epoch.empty() && epoch != store_.epoch) {
      throw Broken(client.user + " shows " + id + " as it was before the store was put back");
    }
  }
  check_hints(client);
  if (const auto number = client.mail.missing()) {
    throw Broken(client.user + " never got " + describe(*number));
  }
}

/// A client that was connected at the last publish of an order in its list got a hint of the final
/// state.
void Simulation::check_hints(const Client& client) {
  if (weather_.shuffles) return;  // Hints have no versions: the last one to come is the last one.
  for (const auto& [id, order] : store_.orders) {
    const bool lists = client.may_not.count(id) == 0;
    if (!lists || client.opened_at >= order.published_at) continue;
    const auto hint = client.hinted.find(id);
    if (hint != client.hinted.end() && hint->second == order.version) continue;
    // Hints that fit no more are dropped, the oldest first: a later one says "read your list" too.
    const auto is_later = [&, published_at = order.published_at](const auto& other) {
      const auto& it = store_.orders.at(other.first);
      return other.second == it.version && it.published_at >= published_at;
    };
    const bool may_drop = weather_.heavy || weather_.messages;
    if (!may_drop || std::none_of(client.hinted.begin(), client.hinted.end(), is_later)) {
      throw Broken(client.user + " was not told of the final state of " + id);
    }
  }
}

void Simulation::check_nothing_left() {
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
  check_ended();
  if (server_->budget.users() != 0) throw Broken("a place is taken by a connection that has gone");
  if (Network::Text::alive() != frames_before_) throw Broken("a frame outlived its connections");
}

}  // namespace ordercast::simulation
