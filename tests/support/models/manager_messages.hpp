// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/manager.hpp"

/// Bodies of ManagerRun: messages of the application's own. Include manager.hpp.
namespace ordercast::test {

/// Some are larger than an outbox may be, and there are more keys than it has places; a key of one
/// audience may be an id of another.
template <class Source>
void ManagerRun<Source>::announce() {
  Addressed message;
  const auto order_id = id(pick_order());
  const auto whom = source_.below(8);
  if (whom < 4) {
    message.audience = Audience::watchers;
    message.id = order_id;
  } else if (whom < 7) {
    message.id = one_of<const char*>({"alice", "bob", "sam", "root", "stranger", ""});
  } else {
    message.audience = Audience::organization;
    message.id = one_of<const char*>({"org-1", "org-2", ""});
  }
  const auto key = source_.below(8);
  if (key < 4) message.key = one_of<const char*>({"k", "alice", "org-1", "o"});
  if (key == 4) message.key = order_id;
  if (key == 5) message.key = "key-" + std::to_string(source_.below(100));
  send(message, one_of<std::size_t>({0, 0, 20, 300, 5'000}));
}

/// A few orders change, and much is said about them and to one of those who watch them.
template <class Source>
void ManagerRun<Source>::chatter(int handle) {
  if (!clients_.count(handle)) return;
  const auto first = pick_order();
  const auto count = 1 + source_.below(5);
  const bool subscribes = source_.below(2) == 0;
  for (unsigned i = 0; subscribes && i < count; ++i) subscribe(handle, (first + i) % orders);
  if (clients_.count(handle) && !clients_[handle].steady)
    clients_[handle].rate = source_.below(200);
  for (auto left = source_.below(60); left > 0 && clients_.count(handle); --left) {
    const auto order = (first + source_.below(count)) % orders;
    Addressed message;
    if (source_.below(3) == 0) message.key = one_of<const char*>({"k", "l", "o"});
    switch (source_.below(8)) {
      case 0:
      case 1:
        publish(order);
        break;
      case 2:
        message.id = clients_[handle].user;
        send(message, 0);
        break;
      case 3:
        if (source_.below(4) == 0) leave(handle, id(order));
        break;
      default:
        message.audience = Audience::watchers;
        message.id = id(order);
        send(message, source_.below(100));
    }
  }
}

/// Whether a message has been handed to the network and not been read.
template <class Source>
bool ManagerRun<Source>::is_on_wire(int handle, std::size_t number) const {
  const auto start = R"({"type":"own","n":)" + std::to_string(number) + ',';
  const auto& wire = network_.peers.at(handle).wire;
  return std::any_of(wire.begin(), wire.end(), [&](const auto& frame) {
    return frame != nullptr && frame->compare(0, start.size(), start) == 0;
  });
}

template <class Source>
void ManagerRun<Source>::send(Addressed message, std::size_t padding) {
  const auto number = sent_++;
  const auto text = R"({"type":"own","n":)" + std::to_string(number) + R"(,"pad":")" +
                    std::string(padding, 'x') + "\"}";
  message.bytes = text.size();
  std::vector<int> noted;
  for (auto& [handle, client] : clients_) {
    if (note(handle, client, number, message)) noted.push_back(handle);
  }
  std::size_t reached = 0;
  const ApplicationMessage sent{text, message.key};
  const bool ran = guarded([&] {
    reached = message.audience == Audience::user ? manager_->send_to_user(message.id, sent)
              : message.audience == Audience::watchers
                  ? manager_->send_to_watchers(message.id, sent)
                  : manager_->send_to_organization(message.id, sent);
  });
  std::size_t least = 0;
  for (const int handle : noted) {
    if (!ran) clients_[handle].mail.withdraw(number);
    if (!ran || !is_up(handle)) continue;
    if (clients_[handle].mail.must(number)) ++least;
    // One outbox full may wait there, and as much behind debts.
    const auto most = network_.peers[handle].wire.size() + 2 * limits_.max_outbox_messages;
    if (limits_.max_outbox_messages != 0 && clients_[handle].mail.more_than(most + 1) != 0) {
      network_.breaks("more messages wait for a connection than its bounds allow");
    }
  }
  if (ran && (reached < least || reached > noted.size())) {
    network_.breaks("a message reaches as many as it is for");
  }
}

/// Whether a message is for this connection; if so, it is expected from here on.
template <class Source>
bool ManagerRun<Source>::note(int handle, Client& client, std::size_t number,
                              const Addressed& message) {
  const auto who = world_.users.find(client.user);
  if (!is_up(handle) || who == world_.users.end()) return false;
  bool must = true;
  std::uint64_t version = 0;
  switch (message.audience) {
    case Audience::user:
      if (client.user != message.id) return false;
      break;
    case Audience::organization:
      if (message.id.empty() || who->second.organization_id != message.id) return false;
      break;
    case Audience::watchers: {
      const auto* subscription = world_.watching.find(message.id, handle);
      if (subscription == nullptr || !subscription->granted) return false;
      must = subscription->certain;
      const auto& shown = client.shown[message.id];
      if (shown.first == subscription->question) version = shown.second;
      break;
    }
  }
  client.mail.expect(number, message, must, version);
  if (client.steady) {
    static_cast<void>(client.mail.crowds(limits_.max_outbox_messages, limits_.max_outbox_bytes));
  }
  return true;
}

/// What is held is bounded by the connections: beside the wires an outbox each, what is held for
/// subscriptions that wait, and as much as an outbox behind debts.
template <class Source>
void ManagerRun<Source>::check_frames() const {
  std::size_t on_wires = 0;
  std::size_t wire_bytes = 0;
  for (const auto& [handle, peer] : network_.peers) {
    on_wires += peer.wire.size();
    wire_bytes += peer.bytes + peer.front_taken;
  }
  const auto sessions = manager_->sessions();
  const auto most = limits_.max_outbox_messages;
  if (most != 0) {
    same(SlowNetwork::alive_ - frames_before_ <=
             on_wires + 2 * sessions * most + manager_->subscriptions(),
         "the bound on frames");
  }
  const auto each = std::max<std::size_t>(limits_.max_outbox_bytes, 6'200);
  if (limits_.max_outbox_bytes != 0) {
    same(SlowNetwork::alive_bytes_ - bytes_before_ <= wire_bytes + 3 * sessions * each,
         "the bound on the bytes of frames");
  }
}

}  // namespace ordercast::test
