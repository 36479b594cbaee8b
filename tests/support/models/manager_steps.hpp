// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/manager.hpp"

/// Bodies of ManagerRun: what clients, publishers and the network do. Include manager.hpp.
namespace ordercast::test {

template <class Source>
void ManagerRun<Source>::open(int handle) {
  if (clients_.count(handle)) return;
  Client client;
  client.user = one_of<const char*>({"alice", "alice", "bob", "sam", "root", "stranger"});
  client.steady = source_.below(3) == 0;
  client.rate =
      client.steady ? 1 + source_.below(source_.below(2) == 0 ? 200 : 5000) : source_.below(2000);
  network_.peers[handle] = {};
  clients_[handle] = client;
  if (guarded([&] { manager_->on_open(handle, client.user, has_epoch_ && handle % 2 == 0); }))
    return;
  clients_.erase(handle);
  network_.peers.erase(handle);
}

template <class Source>
void ManagerRun<Source>::close(int handle) {
  if (!clients_.count(handle)) return;
  manager_->on_close(handle);
  world_.watching.close(handle);
  clients_.erase(handle);
  network_.peers.erase(handle);
}

template <class Source>
void ManagerRun<Source>::close_many() {
  const auto keep = source_.below(3);
  const auto nth = source_.below(4);
  std::vector<int> open;
  for (const auto& [handle, client] : clients_) open.push_back(handle);
  for (std::size_t i = keep; i < open.size(); ++i) {
    if (nth == 0 || i % (nth + 1) == 0) close(open[i]);
  }
}

template <class Source>
void ManagerRun<Source>::subscribe(int handle, unsigned number) {
  const auto order_id = id(number);
  const auto& order = world_.orders[order_id];
  const bool in_batch = source_.below(4) == 0;
  std::string text = std::string(R"({"type":"subscribe",)") + (in_batch ? R"("orders":[{)" : "") +
                     R"("orderId":")" + order_id + '"';
  const auto since = source_.below(6);
  bool is_behind = false;
  std::uint64_t says = 0;
  if (since != 0) {
    const auto version = since == 1   ? 0
                         : since == 2 ? order.version + 1
                                      : order.version - since % 2;
    text += R"(,"since":)" + std::to_string(version);
    is_behind = version < order.version;
    says = version;
  }
  const auto epoch = source_.below(8);
  if (epoch < 2) text += R"(,"epoch":")" + std::string(epoch == 0 ? "e1" : "e0") + '"';
  text += in_batch ? "}]}" : "}";
  if (!is_up(handle)) return;
  const auto too_many = world_.too_many;
  say(handle, text);
  // What it calls may have closed the connection.
  if (!is_up(handle) || !clients_.count(handle)) return;
  Client& client = clients_[handle];
  client.tainted = client.tainted || world_.too_many != too_many;
  if (!may_see(client, order)) return;
  client.watched.insert(order_id);
  client.says[order_id] = std::max(client.says[order_id], says);
  if (epoch == 1 && has_epoch_) client.any.insert(order_id);
  if (!lags_ && (is_behind || (epoch == 1 && has_epoch_))) {
    auto& need = client.need[order_id];
    need = std::max(need, order.version);
  }
}

template <class Source>
void ManagerRun<Source>::leave(int handle, const std::string& order_id) {
  const auto text = R"({"type":"unsubscribe","orderId":")" + order_id + "\"}";
  if (!is_up(handle)) return;
  const auto question = world_.watching.question(order_id, handle);
  const bool heard = say(handle, text);
  if (!clients_.count(handle)) return;
  if (heard && world_.watching.question(order_id, handle) == question) {
    world_.watching.leave(order_id, handle);
    clients_[handle].mail.leave(order_id,
                                [&](std::size_t number) { return is_on_wire(handle, number); });
  } else {
    clients_[handle].mail.excuse(order_id);
  }
  clients_[handle].watched.erase(order_id);
  clients_[handle].need.erase(order_id);
}

template <class Source>
void ManagerRun<Source>::leave_many(int handle) {
  const auto nth = source_.below(6);
  const bool comes_back = source_.below(2) == 0;
  std::vector<unsigned> left;
  range(orders, [&](unsigned order) {
    if (nth != 0 && order % nth == 0) return;
    leave(handle, id(order));
    left.push_back(order);
  });
  for (const auto order : left) {
    if (comes_back) subscribe(handle, order);
  }
}

template <class Source>
void ManagerRun<Source>::say_anything(int handle) {
  std::string text =
      one_of<const char*>({R"({"type":"ping"})", R"({"type":"presence","visible":true})",
                           R"({"type":"subscribe","orderId":"none"})", "{}"});
  const auto edits = source_.below(4);
  for (unsigned i = 0; i < edits; ++i) {
    text[source_.below(static_cast<unsigned>(text.size()))] = static_cast<char>(source_.below(256));
  }
  for (auto times = 1 + source_.below(source_.below(8) == 0 ? 60 : 2); times > 0; --times) {
    if (!is_up(handle)) return;
    say(handle, text);
    if (clients_.count(handle)) clients_[handle].tainted = clients_[handle].tainted || edits != 0;
  }
}

template <class Source>
void ManagerRun<Source>::publish(unsigned number) {
  const auto order_id = id(number);
  auto& order = world_.orders[order_id];
  std::uint64_t version = order.version;
  const auto which = source_.below(8);
  if (which > 1) version = ++order.version;  // Otherwise again, as after a crash; or late.
  if (which == 1) version -= std::min<std::uint64_t>(version - 1, source_.below(5));
  const auto json = order.json(version);
  const auto status = std::to_string(version);
  std::vector<int> watching;
  for (auto& [handle, client] : clients_) {
    if (client.watched.count(order_id) && is_up(handle)) watching.push_back(handle);
  }
  if (!guarded([&] {
        manager_->publish({order_id, OwnerId(order.owner), OrganizationId(order.organization),
                           status, version, json});
      })) {
    return;
  }
  for (const int handle : watching) {
    auto& need = clients_[handle].need[order_id];
    need = std::max(need, version);
  }
  for (auto& [handle, client] : clients_) {
    if (const auto question = world_.watching.question(order_id, handle); question != 0) {
      auto& shown = client.shown[order_id];
      shown = {question, shown.first == question ? std::max(shown.second, version) : version};
    }
    const bool lists = is_up(handle) && may_see(client, order);
    if (lists) client.hint_need[order_id] = status;
  }
}

template <class Source>
void ManagerRun<Source>::answer() {
  auto& answers = world_.answers;
  for (auto left = 1 + source_.below(source_.below(2) == 0 ? 4 : 60); left > 0 && !answers.empty();
       --left) {
    const auto at = source_.below(static_cast<unsigned>(std::min<std::size_t>(answers.size(), 64)));
    const auto call = answers[at];
    answers.erase(answers.begin() + at);
    guarded(call);
    if (source_.below(8) == 0) guarded(call);
  }
}

template <class Source>
void ManagerRun<Source>::read(int handle, std::size_t most, bool answers_pings) {
  const auto found = network_.peers.find(handle);
  if (found == network_.peers.end()) return;
  auto& peer = found->second;
  bool pong = false;
  while (!peer.wire.empty()) {
    const auto frame = peer.wire.front();
    if (frame == nullptr) {
      pong = true;
      peer.wire.pop_front();
      continue;
    }
    const auto taken = std::min(most, frame->size() - peer.front_taken);
    most -= taken;
    peer.bytes -= taken;
    peer.front_taken += taken;
    if (peer.front_taken < frame->size()) break;
    peer.front_taken = 0;
    peer.wire.pop_front();
    receive(handle, clients_[handle], *frame);
  }
  if (peer.closed) return;
  if (pong && answers_pings) manager_->on_pong(handle);
  if (peer.wants_writable && network_.waiting(peer) < network_.high_water / 2 + 1) {
    peer.wants_writable = false;
    guarded([&] { manager_->on_writable(handle); });
  }
}

template <class Source>
void ManagerRun<Source>::receive(int handle, Client& client, const std::string& text) {
  const auto type = field(text, "type", '"');
  const auto order_id = field(text, "orderId", '"');
  if (type == "own") {
    const auto* const wrong = client.mail.take(
        std::stoull(field(text, "n", ',')),
        [&](const std::string& order) { return std::max(client.got[order], client.says[order]); });
    same(wrong == nullptr, wrong == nullptr ? "" : wrong);
    return;
  }
  if (type == "error") {
    const auto code = field(text, "code", '"');
    if (code == "unavailable") {  // Its subscription may have ended when these were sent.
      client.mail.excuse(order_id);
      if (auto* ended = world_.watching.find(order_id, handle)) ended->certain = false;
    }
    if (code == "unavailable" && text.find("stays") != std::string::npos) return;
    if (code == "too_many_subscriptions" || code == "rate_limited") client.tainted = true;
    if (code == "rate_limited") client.unheard = true;
    const auto denied = world_.orders.find(order_id);
    same(code != "subscription_denied" || denied == world_.orders.end() ||
             !may_see(client, denied->second),
         "nobody is denied what is theirs");
    client.watched.erase(order_id);
    client.need.erase(order_id);
    return;
  }
  if (type == "pong" || type == "hello") return;
  const auto found = world_.orders.find(order_id);
  same(found != world_.orders.end() && may_see(client, found->second),
       "nobody sees another's order");
  if (type == "orders:changed") {
    client.hint_got[order_id] = field(text, "status", '"');
    return;
  }
  const auto version = std::stoull(field(text, "version", ','));
  auto& got = client.got[order_id];
  same(client.any.count(order_id) != 0 || version >= got, "no version goes back");
  got = version;
}

/// Time goes by, a second at a time; who reads all the time does.
template <class Source>
void ManagerRun<Source>::pass(unsigned seconds) {
  for (; seconds > 0; --seconds) {
    clock_.advance(std::chrono::seconds(1));
    std::vector<int> all;
    for (const auto& [handle, client] : clients_) all.push_back(handle);
    for (const int handle : all) {
      if (!clients_.count(handle)) continue;
      const auto& client = clients_[handle];
      if (client.rate != 0) read(handle, client.rate, client.steady || handle % 7 != 0);
    }
    if (source_.below(16) == 0) manager_->tick(clock_.now() - std::chrono::seconds(5));
    manager_->tick(clock_.now());
  }
}

}  // namespace ordercast::test
