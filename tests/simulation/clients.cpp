// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

// Connections: clients that follow the contract, and attackers.
namespace ordercast::simulation {

int Simulation::open(const std::string& token, bool hello) {
  ++tally_.connects;
  const int handle = ++next_handle_;
  auto& shard = shard_of(handle);
  shard.network.wires[handle];
  shard.manager.on_open(handle, token, hello);
  if (!shard.network.wires[handle].closed_by_server)
    shard.users[handle] = directory_.tokens[token].user;
  return handle;
}

void Simulation::say(int handle, const std::string& text) {
  auto& shard = shard_of(handle);
  shard.watching.speaker = handle;
  shard.manager.on_message(handle, text);
  shard.watching.speaker = test::Watching::nobody;
}

void Simulation::close(int handle) {
  auto& shard = shard_of(handle);
  shard.manager.on_close(handle);
  shard.network.wires.erase(handle);
  shard.users.erase(handle);
  shard.watching.close(handle);
}

void Simulation::connect(Client& client) {
  if (client.token.empty()) {  // As after 4001: a new token first.
    client.token = client.user + "-" + std::to_string(++next_token_);
    directory_.tokens[client.token] = {client.user, directory_.wall_ms + 60 * 60 * 1000};
  } else if (chance(10)) {
    directory_.tokens.erase(client.token);
  }
  client.received.clear();
  client.hinted.clear();
  client.reads = true;
  client.again.clear();
  client.was_refused = false;
  client.mail = {};
  client.opened_at = now_;
  client.handle = open(client.token, !client.epoch.empty());
  if (chance(50)) {
    for (const auto& [order, version] : client.seen) subscribe(client, order, version);
  } else {
    subscribe_at_once(client);
  }
}

/// All that the client watches, in as few messages as it takes.
void Simulation::subscribe_at_once(Client& client) {
  std::string entries;
  std::size_t count = 0;
  const auto flush = [&] {
    if (count == 0) return;
    const auto epoch = client.epoch.empty() ? "" : R"("epoch":")" + client.epoch + R"(",)";
    say(*client.handle, R"({"type":"subscribe",)" + epoch + R"("orders":[)" + entries + "]}");
    entries.clear();
    count = 0;
  };
  const auto most = 1 + pick(max_batch);
  for (const auto& [order, version] : client.seen) {
    entries += std::string(count == 0 ? "" : ",") + R"({"orderId":)" + json_text(order) +
               R"(,"since":)" + std::to_string(version) + "}";
    if (++count == most) flush();
  }
  flush();
}

void Simulation::subscribe(Client& client, const std::string& order, std::uint64_t since) {
  const auto epoch = client.epoch.empty() ? "" : R"("epoch":")" + client.epoch + R"(",)";
  say(*client.handle, R"({"type":"subscribe",)" + epoch + R"("orderId":)" + json_text(order) +
                          R"(,"since":)" + std::to_string(since) + "}");
}

void Simulation::unsubscribe(Client& client, const std::string& order) {
  auto& watching = shard_of(*client.handle).watching;
  const auto too_fast = watching.too_fast;
  say(*client.handle, R"({"type":"unsubscribe","orderId":)" + json_text(order) + "}");
  if (watching.too_fast != too_fast) return;
  watching.leave(order, *client.handle);
  const auto& wire = wire_of(*client.handle).buffered;
  client.mail.leave(order, [&](std::size_t number) {
    const auto start = R"({"type":"own","n":)" + std::to_string(number) + ',';
    return std::any_of(wire.begin(), wire.end(), [&](const auto& frame) {
      return frame != nullptr && frame->value().compare(0, start.size(), start) == 0;
    });
  });
}

/// A client leaves an order and comes back to it, or asks for it again without leaving; with or
/// without saying what it has.
void Simulation::ask_again(Client& client) {
  if (client.seen.empty()) return;
  auto at = client.seen.begin();
  std::advance(at, pick(client.seen.size()));
  const auto& order = at->first;
  if (chance(60)) unsubscribe(client, order);
  if (chance(40)) say(*client.handle, R"({"type":"subscribe","orderId":)" + json_text(order) + "}");
  subscribe(client, order, chance(30) ? 0 : at->second);
}

void Simulation::lose(Client& client) {
  const int handle = *client.handle;
  wire_of(handle).gone = true;
  // The server may get the event at once or after some others.
  if (chance(50)) commit();
  if (chance(50)) dispatch();
  if (chance(50)) run_some();
  if (chance(50)) answer();
  close(handle);
  client.handle.reset();
}

/// The client watches an order that is left beside many others, and perhaps comes back to those:
/// what waits for it, if it does not read, gets gaps.
void Simulation::leave_many(Client& client) {
  if (chance(70)) {  // It asks for everything first, as an app without stored versions does.
    if (client.rate == 0) read(client, 1000);
    if (!client.handle) return;
    for (const auto& [order, version] : client.seen) subscribe(client, order, 0);
    for (auto left = 4 * client.seen.size(); left > 0; --left) answer();
  }
  if (chance(50)) run_some();
  const auto nth = chance(50) ? client.seen.size() + 1 : 2 + pick(6);
  std::vector<std::string> left;
  std::size_t at = pick(2);
  for (const auto& [order, version] : client.seen) {
    if (at++ % nth == 0) continue;
    left.push_back(order);
    unsubscribe(client, order);
  }
  for (const auto& order : left) subscribe(client, order, client.seen[order]);
}

/// The client reads up to so much from the wire, and handles each message.
void Simulation::read(Client& client, std::size_t most_frames, std::size_t most_bytes) {
  if (!client.handle || !client.reads) return;
  const int handle = *client.handle;
  take(client, most_frames, most_bytes);
  auto& wire = wire_of(handle);
  if (wire.wants_pong && (client.rate != 0 || chance(95))) {
    wire.wants_pong = false;
    shard_of(handle).manager.on_pong(handle);
  }
  if (wire.wants_writable && shard_of(handle).network.waiting(wire) < Network::high_water / 2) {
    wire.wants_writable = false;
    shard_of(handle).manager.on_writable(handle);
  }
  const bool reads_all_the_time = client.rate != 0 && !client.was_refused;
  if (client.mail.crowded() && wire.code == CloseCode::too_slow && !wire.terminated) {
    ++tally_.crowded;
  } else if (reads_all_the_time && (wire.terminated || wire.code == CloseCode::too_slow)) {
    throw Broken(client.user + " was closed while it read all the time, with " +
                 std::to_string(static_cast<int>(wire.code)) + " " + wire.reason);
  }
  if (wire.gone || client.was_refused || (wire.closed_by_server && wire.buffered.empty())) {
    check_close(wire);
    if (wire.code == CloseCode::too_slow || wire.terminated) ++tally_.too_slow;
    if (wire.code == CloseCode::unauthorized) client.token.clear();
    lose(client);
  }
}

void Simulation::take(Client& client, std::size_t most_frames, std::size_t most_bytes) {
  auto& wire = wire_of(*client.handle);
  for (; most_frames > 0 && !wire.buffered.empty() && !wire.gone; --most_frames) {
    const auto frame = wire.buffered.front();
    if (frame == nullptr) {
      wire.wants_pong = true;
      wire.buffered.pop_front();
      continue;
    }
    const auto taken = std::min(most_bytes, frame->value().size() - wire.front_taken);
    most_bytes -= taken;
    wire.bytes -= taken;
    wire.front_taken += taken;
    if (client.rate != 0) tally_.bytes += taken;
    if (wire.front_taken < frame->value().size()) return;
    wire.front_taken = 0;
    wire.buffered.pop_front();
    receive(client, frame->value());
  }
}

void Simulation::receive(Client& client, const std::string& text) {
  fingerprint_ = detail::hash_bytes(text, fingerprint_ + now_);
  const auto json = nlohmann::json::parse(text);
  const auto type = json.at("type").get<std::string>();
  if (type == "hello") {  // Versions of another store can't be compared with this one's.
    const auto epoch = json.at("epoch").get<std::string>();
    if (std::exchange(client.epoch, epoch) == epoch) return;
    for (auto& [order, version] : client.seen) version = 0;
    return;
  }
  if (type == "own") {
    receive_message(client, json.at("n").get<std::size_t>());
    return;
  }
  if (type == "error") {
    const auto code = json.at("code").get<std::string>();
    client.was_refused = client.was_refused || code == "rate_limited";
    const auto order = json.value("orderId", "");
    if (code == "unavailable") {
      client.mail.excuse(order);
      auto* const subscription = shard_of(*client.handle).watching.find(order, *client.handle);
      if (subscription != nullptr) subscription->certain = false;
      ++tally_.unavailable;
      client.again.insert(order);
    }
    if (code == "subscription_denied" && client.may_not.count(order) == 0) {
      throw Broken(client.user + " was denied " + order + ", which is theirs to watch");
    }
    return;
  }
  const auto id = json.at("orderId").get<std::string>();
  if (client.may_not.count(id) != 0) throw Broken(client.user + " got a byte of " + id);
  if (type == "orders:changed") {
    const std::uint64_t version = std::stoull(json.at("status").get<std::string>());
    client.hinted[id] = weather_.shuffles ? std::max(client.hinted[id], version) : version;
    return;
  }
  const auto version = json.at("data").at("version").get<std::uint64_t>();
  client.received.add(id, version);
  client.seen[id] = std::max(client.seen[id], version);
  client.seen_epoch[id] = json.at("data").at("epoch").get<unsigned>();
  ++tally_.delivered;
}

/// Logs a user out: all of their connections end, and their tokens are revoked.
void Simulation::revoke(Client& client) {
  for (auto at = directory_.tokens.begin(); at != directory_.tokens.end();) {
    at = at->second.user == client.user ? directory_.tokens.erase(at) : std::next(at);
  }
  for (auto& shard : server_->shards) {
    shard->manager.disconnect_user(client.user, CloseCode::unauthorized, "Revoked");
    for (const auto& [handle, user] : shard->users) {
      const auto& wire = shard->network.wires[handle];
      if (user == client.user && !wire.closed_by_server && !wire.gone) {
        throw Broken("a revoked user is still connected");
      }
    }
  }
}

/// Rubbish, floods, other people's orders; reading little, or nothing.
void Simulation::attack(Attacker& attacker) {
  if (!attacker.handle) attacker.handle = open(chance(90) ? "mallory's" : "stolen");
  const int handle = *attacker.handle;
  auto& wire = wire_of(handle);
  for (auto left = 1 + pick(60); left > 0; --left) {
    auto text = R"({"type":")" + std::string(chance(70) ? "subscribe" : "unsubscribe") +
                R"(","orderId":"order-)" + std::to_string(pick(7)) + R"(","since":0})";
    if (chance(20)) text = R"({"type":"ping"})";
    if (chance(20)) {
      text = R"({"type":"subscribe","orders":[)";
      for (auto entries = pick(2 * max_batch); entries > 0; --entries) {
        text += R"({"orderId":"order-)" + std::to_string(pick(7)) + R"("},)";
      }
      text.back() = ']';
      text += '}';
    }
    if (chance(40)) text[pick(text.size())] = static_cast<char>(pick(128));
    if (chance(5)) text.resize(pick(text.size()));
    say(handle, text);
  }
  for (const auto& frame : wire.buffered) {
    if (frame == nullptr) continue;
    const auto& text = frame->value();
    if (text.find(R"("type":"o)") != std::string::npos) throw Broken("an attacker got " + text);
  }
  if (chance(50)) {
    wire.buffered.clear();
    wire.bytes = wire.front_taken = 0;
    if (std::exchange(wire.wants_writable, false)) shard_of(handle).manager.on_writable(handle);
  }
  if (!wire.closed_by_server && !wire.gone && chance(80)) return;
  if (wire.code == CloseCode::policy_violation) ++tally_.abusive;
  if (wire.code == CloseCode::too_many_connections) ++tally_.too_many;
  close(handle);
  attacker.handle.reset();
}

}  // namespace ordercast::simulation
