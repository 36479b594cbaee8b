// SPDX-License-Identifier: MIT
#include "simulation/cluster/cluster_simulation.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace ordercast::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds slice{250};

}  // namespace

ClusterSimulation::ClusterSimulation(std::uint32_t seed, Mistake mistake) : shared_(seed, mistake) {
  auto& users = shared_.directory.users;
  users = {{"alice", {"alice", Reach::own}},
           {"bob", {"bob", Reach::own}},
           {"sam", {"sam", Reach::organization, "org-1"}},
           {"tom", {"tom", Reach::organization, "org-2"}},
           {"root", {"root", Reach::everything}}};
  std::vector<std::string> names;
  for (const auto& [name, identity] : users) {
    names.push_back(name);
    shared_.directory.tokens[name] = {name};
  }
  for (auto i = 1 + shared_.pick(6); i > 0; --i) {
    auto& order = shared_.store.orders["order-" + std::to_string(i)];
    order.owner = shared_.chance(50) ? "alice" : "bob";
    order.organization = shared_.chance(50) ? "org-1" : "org-2";
  }
  for (auto left = 2 + shared_.pick(6); left > 0; --left) {
    ClusterClient client;
    client.user = names[shared_.pick(names.size())];
    for (const auto& [id, order] : shared_.store.orders) {
      if (!may_watch(users[client.user], OwnerId(order.owner),
                     OrganizationId(order.organization))) {
        continue;
      }
      client.lists.insert(id);
      if (shared_.chance(70)) client.seen[id] = order.version;
    }
    clients_.push_back(std::move(client));
  }
  for (int i = 0; i < 3; ++i) nodes_.push_back(std::make_unique<Node>(shared_, i));
}

void ClusterSimulation::run() {
  for (auto left = 50 + shared_.pick(150); left > 0; --left) {
    step();
    check_networks();
  }
  settle();
}

void ClusterSimulation::step() {
  ++now_;
  auto& client = clients_[shared_.pick(clients_.size())];
  auto& node = *nodes_[shared_.pick(nodes_.size())];
  switch (shared_.pick(12)) {
    case 0:
    case 1:
      return commit();
    case 2:
    case 3:
      if (node.runs()) node.dispatch();
      return;
    case 4:
      if (node.runs()) node.hear();
      return;
    case 5:
      if (node.runs()) node.run_some();
      return;
    case 6:
      if (node.runs()) node.answer();
      return;
    case 7:
      client.reads = shared_.chance(70);
      return;
    case 8:
      if (client.handle && shared_.chance(20)) close(client);
      return;
    case 9:
      return fault();
    case 10:
      return pass(milliseconds(1 + shared_.pick(shared_.chance(10) ? 20'000 : 500)));
    default:
      if (!client.handle) connect(client);
  }
}

void ClusterSimulation::fault() {
  auto& node = *nodes_[shared_.pick(nodes_.size())];
  const milliseconds time(1 + shared_.pick(shared_.chance(50) ? 40'000 : 5'000));
  auto& tally = shared_.tally;
  switch (shared_.pick(9)) {
    case 0:
      ++tally.pauses;
      return node.stand_still(time);
    case 1:
    case 2:
      ++tally.partitions;
      return node.cut_stream(time);
    case 3:
      ++tally.partitions;
      return node.cut_store(time);
    case 4:
      if (!node.up()) return node.start();
      ++tally.kills;
      for (auto& client : clients_) {
        if (nodes_[client.node].get() == &node) client.handle.reset();
      }
      return node.kill();
    case 5:
      return shared_.stream.purge(shared_.pick(4));
    case 6:
      if (shared_.chance(30)) shared_.stream.lose();
      return;
    case 7:  // Too few servers of the stream are left.
      ++tally.partitions;
      for (auto& one : nodes_) one->cut_stream(time);
      return;
    default:
      // A killed node's leases end with its session.
      for (auto& [id, row] : shared_.outbox) {
        if (row.holder >= 0 && !nodes_[static_cast<std::size_t>(row.holder)]->up()) {
          row.leased_until = shared_.clock.now();
        }
      }
  }
}

void ClusterSimulation::commit() {
  auto at = shared_.store.orders.begin();
  std::advance(at, shared_.pick(shared_.store.orders.size()));
  shared_.outbox[shared_.next_row++] = {at->first, ++at->second.version, -1, {}};
  committed_at_[at->first] = now_;
}

/// Time goes by for all nodes, in slices.
void ClusterSimulation::pass(milliseconds time) {
  for (; time > milliseconds(0); time -= slice) {
    ++now_;
    shared_.clock.advance(std::min(time, slice));
    work();
  }
}

void ClusterSimulation::work() {
  for (auto& node : nodes_) {
    if (!node->runs()) continue;
    node->hear();
    node->tick();
    if (shared_.chance(50)) node->dispatch();
    for (auto left = shared_.pick(4); left > 0; --left) node->run_some();
    for (auto left = shared_.pick(3); left > 0; --left) node->answer();
  }
  for (auto& client : clients_) {
    if (client.handle && client.reads) read(client, 1 + shared_.pick(8));
  }
}

// ---- Clients ---------------------------------------------------------------------

void ClusterSimulation::connect(ClusterClient& client) {
  client.node = shared_.pick(nodes_.size());
  auto& node = *nodes_[client.node];
  if (!node.runs()) return;
  const int handle = ++next_handle_;
  auto& shard = node.shard_of(handle);
  shard.network.wires[handle];
  shard.manager.on_open(handle, client.user, false);
  client.handle = handle;
  client.received.clear();
  client.again.clear();
  client.reads = true;
  client.opened_at = now_;
  client.hinted_at = 0;
  for (const auto& [order, version] : client.seen) subscribe(client, order);
}

void ClusterSimulation::subscribe(const ClusterClient& client, const std::string& order) {
  auto& shard = nodes_[client.node]->shard_of(*client.handle);
  shard.watching.speaker = *client.handle;
  shard.manager.on_message(*client.handle, R"({"type":"subscribe","orderId":")" + order +
                                               R"(","since":)" +
                                               std::to_string(client.seen.at(order)) + "}");
  shard.watching.speaker = test::Watching::nobody;
}

void ClusterSimulation::close(ClusterClient& client) {
  if (nodes_[client.node]->up()) {
    auto& shard = nodes_[client.node]->shard_of(*client.handle);
    shard.manager.on_close(*client.handle);
    shard.network.wires.erase(*client.handle);
    shard.watching.close(*client.handle);
  }
  client.handle.reset();
}

void ClusterSimulation::read(ClusterClient& client, std::size_t most) {
  const int handle = *client.handle;
  auto& node = *nodes_[client.node];
  auto& shard = node.shard_of(handle);
  auto& wire = shard.network.wires.at(handle);
  bool was_pinged = false;
  for (; most > 0 && !wire.buffered.empty(); --most) {
    const auto frame = wire.buffered.front();
    wire.buffered.pop_front();
    was_pinged = was_pinged || frame == nullptr;
    if (frame == nullptr) continue;
    wire.bytes -= frame->value().size();
    receive(client, frame->value());
  }
  // A node that stands still sends what its kernel has, and hears nothing.
  if (!node.runs()) return;
  if (was_pinged) shard.manager.on_pong(handle);
  if (wire.wants_writable && shard.network.waiting(wire) < Network::high_water / 2) {
    wire.wants_writable = false;
    shard.manager.on_writable(handle);
  }
  if (wire.gone || (wire.closed_by_server && wire.buffered.empty())) return close(client);
  for (const auto& order : std::exchange(client.again, {})) subscribe(client, order);
}

void ClusterSimulation::receive(ClusterClient& client, const std::string& text) {
  fingerprint_ = detail::hash_bytes(text, fingerprint_ + now_);
  const auto json = nlohmann::json::parse(text);
  const auto type = json.at("type").get<std::string>();
  const auto id = json.value("orderId", "");
  if (type == "error") {
    if (json.at("code") != "unavailable") throw Broken(client.user + " was told " + text);
    client.again.insert(id);
    return;
  }
  if (client.lists.count(id) == 0) throw Broken(client.user + " got " + text);
  if (type == "orders:changed") {
    client.hinted_at = now_;
    return;
  }
  const auto version = json.at("data").at("version").get<std::uint64_t>();
  client.received.add(id, version);
  client.seen.at(id) = std::max(client.seen.at(id), version);
  ++shared_.tally.delivered;
}

// ---- Promises --------------------------------------------------------------------

/// Ends the faults, except that one node may stay cut off from the stream. No order changes any
/// more, and clients stay connected.
void ClusterSimulation::settle() {
  for (auto& node : nodes_) node->heal();
  for (auto& client : clients_) client.reads = true;
  if (shared_.chance(30)) {
    cut_off_ = shared_.pick(nodes_.size());
    nodes_[*cut_off_]->cut_stream(2 * whole_within);
  }
  milliseconds took{0};
  for (; took < whole_within && !unrest().empty(); took += slice) {
    for (auto& client : clients_) {
      if (!client.handle) connect(client);
    }
    pass(slice);
    check_networks();
  }
  for (const auto& client : clients_) check_final(client);
  if (const auto what = unrest(); !what.empty()) throw Broken("it does not come to rest: " + what);
  shared_.tally.longest = took;
}

/// What still waits somewhere; "" if each client has each newest version. Nodes that are cut off
/// never know.
std::string ClusterSimulation::unrest() const {
  if (!shared_.outbox.empty()) return "an entry of the outbox is not marked";
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (const auto what = nodes_[i]->unrest(cut_off_ == i); !what.empty()) {
      return "node " + std::to_string(i) + ": " + what;
    }
  }
  for (const auto& client : clients_) {
    if (!client.handle) return client.user + " is not connected";
    const auto& wires = nodes_[client.node]->shard_of(*client.handle).network.wires;
    if (!wires.at(*client.handle).buffered.empty()) return client.user + " has not read all";
    if (auto what = lacks(client); !what.empty()) return what;
    if (lacks_hint(client)) return client.user + " was not told of a change in its list";
  }
  return {};
}

void ClusterSimulation::check_networks() {
  for (const auto& node : nodes_) {
    if (!node->up()) continue;
    for (int shard = 0; shard < 2; ++shard) {
      const auto& broken = node->shard_of(shard).network.broken;
      if (!broken.empty()) throw Broken(broken);
    }
  }
}

/// The client's orders that are not at their final version.
std::string ClusterSimulation::lacks(const ClusterClient& client) const {
  for (const auto& [id, version] : client.seen) {
    const auto final_version = shared_.store.orders.at(id).version;
    if (version != final_version) {
      return client.user + " has version " + std::to_string(version) + " of " + id +
             ", and the final one is " + std::to_string(final_version);
    }
  }
  return {};
}

/// Whether its list lacks a change that it was not told of. While a node is cut off only the staff
/// is told.
bool ClusterSimulation::lacks_hint(const ClusterClient& client) const {
  if (client.node == cut_off_ && shared_.directory.users.at(client.user).reach == Reach::own) {
    return false;
  }
  return std::any_of(client.lists.begin(), client.lists.end(), [&](const std::string& id) {
    const auto changed = committed_at_.find(id);
    return changed != committed_at_.end() && changed->second >= client.opened_at &&
           client.hinted_at < changed->second;
  });
}

void ClusterSimulation::check_final(const ClusterClient& client) const {
  if (const auto what = lacks(client); !what.empty()) throw Broken(what);
  if (lacks_hint(client)) throw Broken(client.user + " was not told that its list lacks a change");
}

}  // namespace ordercast::simulation
