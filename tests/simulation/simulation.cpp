// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace ordercast::simulation {

using std::chrono::milliseconds;

Simulation::Simulation(std::uint32_t seed) : random_(seed) {
  directory_.users = {{"alice", {"alice", Role::customer, ""}},
                      {"bob", {"bob", Role::customer, ""}},
                      {"sam", {"sam", Role::staff, "org-1"}},
                      {"tom", {"tom", Role::org_admin, "org-2"}},
                      {"root", {"root", Role::super_admin, ""}}};
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
  server_ = std::make_unique<Server>(store_, directory_, clock_, limits());
}

Limits Simulation::limits() const {
  Limits limits;
  limits.max_outbox_messages = 8;
  limits.messages_per_second = 0;
  limits.abuse_threshold = 0;
  return limits;
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
  Client& client = clients_[pick(clients_.size())];
  switch (pick(16)) {
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
      if (chance(20)) {
        restart();
      } else if (chance(20)) {
        revoke(client);
      } else {
        client.token.clear();  // It expires: the next connect is refused.
      }
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

/// The dispatcher publishes in the order of commits; a crash makes it publish some again.
void Simulation::dispatch() {
  for (auto left = 1 + pick(4); left > 0 && !store_.outbox.empty(); --left) {
    const auto [id, version] = store_.outbox.front();
    const auto& order = store_.orders[id];
    const auto json = Store::json(id, version);
    server_->manager.publish({id, order.owner, order.organization, "READY", version, json});
    if (chance(97)) store_.outbox.pop_front();  // Else: not marked as done, so it comes again.
  }
}

void Simulation::answer() {
  auto& answers = server_->answers;
  if (answers.empty()) return;
  const auto at = pick(answers.size());
  const auto call = std::move(answers[at]);
  answers.erase(answers.begin() + at);
  call();
}

void Simulation::restart() {
  ++restarts;
  server_ = std::make_unique<Server>(store_, directory_, clock_, limits());
  for (auto& client : clients_) client.handle.reset();
}

void Simulation::connect(Client& client) {
  if (client.token.empty()) {  // As after 4001: a new token first.
    client.token = client.user + "-" + std::to_string(++next_token_);
    directory_.tokens[client.token] = client.user;
  } else if (chance(10)) {
    directory_.tokens.erase(client.token);
  }
  ++reconnects;
  client.handle = ++next_handle_;
  client.received.clear();
  client.reads = true;
  server_->network.wires[*client.handle];
  server_->manager.on_open(*client.handle, client.token);
  for (const auto& [order, version] : client.seen) subscribe(client, order, version);
}

void Simulation::subscribe(Client& client, const std::string& order, std::uint64_t since) {
  server_->manager.on_message(*client.handle, R"({"type":"subscribe","orderId":")" + order +
                                                  R"(","since":)" + std::to_string(since) + "}");
}

/// A client leaves an order and comes back to it, or asks for it again without leaving; with or
/// without saying what it has.
void Simulation::ask_again(Client& client) {
  if (client.seen.empty()) return;
  auto at = client.seen.begin();
  std::advance(at, pick(client.seen.size()));
  const auto& order = at->first;
  if (chance(60)) {
    server_->manager.on_message(*client.handle,
                                R"({"type":"unsubscribe","orderId":")" + order + "\"}");
  }
  if (chance(40)) {
    server_->manager.on_message(*client.handle,
                                R"({"type":"subscribe","orderId":")" + order + "\"}");
  }
  subscribe(client, order, chance(30) ? 0 : at->second);
}

void Simulation::lose(Client& client) {
  const int handle = *client.handle;
  server_->network.wires[handle].gone = true;
  // The server may hear of it at once or after some more events have come.
  if (chance(50)) commit();
  if (chance(50)) dispatch();
  if (chance(50)) answer();
  server_->manager.on_close(handle);
  server_->network.wires.erase(handle);
  client.handle.reset();
}

/// The client takes up to `most` frames off the wire, and acts on what it finds.
void Simulation::read(Client& client, std::size_t most) {
  if (!client.handle || !client.reads) return;
  const int handle = *client.handle;
  auto& wire = server_->network.wires[handle];
  for (; most > 0 && !wire.buffered.empty() && !wire.gone; --most) {
    const auto frame = std::move(wire.buffered.front());
    wire.buffered.pop_front();
    wire.bytes -= frame->size();
    receive(client, *frame);
  }
  if (wire.wants_pong && chance(95)) {
    wire.wants_pong = false;
    server_->manager.on_pong(handle);
  }
  if (wire.wants_writable && wire.bytes < Network::high_water / 2) {
    wire.wants_writable = false;
    server_->manager.on_writable(handle);
  }
  if (wire.gone || (wire.closed_by_server && wire.buffered.empty())) {
    if (wire.code == CloseCode::too_slow) ++too_slow;
    if (wire.code == CloseCode::unauthorized) client.token.clear();
    lose(client);
  }
}

void Simulation::receive(Client& client, const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  const auto type = json.at("type").get<std::string>();
  if (type == "error") return;
  const auto id = json.at("orderId").get<std::string>();
  if (client.may_not.count(id) != 0) throw Broken(client.user + " got a byte of " + id);
  if (type != "order:updated") return;
  const auto version = json.at("data").at("version").get<std::uint64_t>();
  auto& on_this_connection = client.received[id];
  if (version < on_this_connection) {
    throw Broken(id + " went back from " + std::to_string(on_this_connection) + " to " +
                 std::to_string(version));
  }
  on_this_connection = version;
  client.seen[id] = std::max(client.seen[id], version);
  ++delivered;
}

/// A user is logged out: every connection of theirs ends, and their tokens are void.
void Simulation::revoke(Client& client) {
  for (auto at = directory_.tokens.begin(); at != directory_.tokens.end();) {
    at = at->second == client.user ? directory_.tokens.erase(at) : std::next(at);
  }
  server_->manager.disconnect_user(client.user, CloseCode::unauthorized, "Revoked");
}

void Simulation::pass(milliseconds time) {
  clock_.advance(time);
  server_->manager.tick(clock_.now());
}

void Simulation::check_bounds() {
  for (const auto& [handle, wire] : server_->network.wires) {
    if (wire.bytes > Network::high_water + 256) throw Broken("a wire is over its high-water mark");
  }
  if (server_->manager.subscriptions() > store_.orders.size() * clients_.size()) {
    throw Broken("there are more subscriptions than clients can hold");
  }
}

/// The world comes to rest: nothing changes any more, everybody reads. Then everybody must have the
/// final version of whatever they watch.
void Simulation::settle() {
  for (int round = 0; round < 200; ++round) {
    while (!store_.outbox.empty()) dispatch();
    while (!server_->answers.empty()) answer();
    bool busy = false;
    for (auto& client : clients_) {
      client.reads = true;
      if (!client.handle) {
        connect(client);
        busy = true;
      }
      read(client, 1000);
      busy = busy || !client.handle || !server_->network.wires[*client.handle].buffered.empty();
    }
    if (!busy && server_->answers.empty() && store_.outbox.empty()) break;
  }
  for (const auto& client : clients_) {
    for (const auto& [id, version] : client.seen) {
      const auto final_version = store_.orders[id].version;
      if (client.seen.count(id) != 0 && client.may_not.count(id) == 0 && version != final_version) {
        throw Broken(client.user + " has version " + std::to_string(version) + " of " + id +
                     ", and the final one is " + std::to_string(final_version));
      }
    }
  }
  for (auto& client : clients_) {
    if (client.handle) lose(client);
  }
  if (server_->manager.sessions() != 0 || server_->manager.subscriptions() != 0) {
    throw Broken("something is left of connections that have gone");
  }
}

}  // namespace ordercast::simulation
