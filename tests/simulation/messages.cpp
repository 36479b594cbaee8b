// SPDX-License-Identifier: MIT
#include "simulation/simulation.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

// The application's own messages: how they are sent, and which of them must arrive.
namespace ordercast::simulation {

void Simulation::pick_messages(std::uint32_t seed) {
  // So that the seeds which the README names have no messages.
  own_random_.seed(seed + 1'007'000'000U);
  weather_.messages = pick_own(100) < 40;
  if (!weather_.messages) return;
  own_.percent = 5 + pick_own(50);
  own_.unkeyed = pick_own(60);
  // Now and then more keys than an outbox has places, messages above a transport's high water, and
  // above all bytes that an outbox may hold.
  own_.keys = pick_own(100) < 70 ? 1 + pick_own(5) : 1 + pick_own(30);
  own_.largest = pick_own(100) < 60 ? 100 : 1 + pick_own(8'000);
  if (pick_own(100) < 70) return;
  own_.bob = "b\"o\\b\n\xC3\xBC";
  own_.first_order = "ord\"er\\0\t\xC3\xBC";
}

void Simulation::announce() {
  if (pick_own(100) >= own_.percent) return;
  const auto times = pick_own(100) < 90 ? 1 + pick_own(3) : 1 + pick_own(20);
  for (std::uint32_t i = 0; i < times; ++i) announce_one();
}

/// The shards that have somebody for a message; a single one gets everything.
std::size_t Simulation::shards_for(const Message& message) const {
  const auto& shards = server_->shards;
  if (shards.size() == 1) return 1;
  return static_cast<std::size_t>(std::count_if(shards.begin(), shards.end(), [&](auto& shard) {
    const auto& registry = shard->manager.registry();
    switch (message.audience) {
      case Audience::user:
        return registry.connections_of(message.id) != 0;
      case Audience::watchers:
        return registry.subscribers_of(message.id) != 0;
      case Audience::organization:
        break;
    }
    bool has_members = false;
    registry.for_each_member_of(message.id, [&](const auto& /*member*/) { has_members = true; });
    return has_members;
  }));
}

void Simulation::announce_one() {
  const auto number = messages_.size();
  Message message;
  auto order = store_.orders.begin();
  std::advance(order, pick_own(store_.orders.size()));
  const auto whom = pick_own(10);
  if (whom < 5) {
    message.audience = Audience::watchers;
    message.id = order->first;
  } else if (whom < 8) {
    const std::vector<std::string> users = {"alice", own_.bob, "sam", "tom", "root", "", "nobody"};
    message.id = users[pick_own(users.size())];
  } else {
    message.audience = Audience::organization;
    const std::array<const char*, 3> organizations = {"org-1", "org-2", ""};
    message.id = organizations.at(pick_own(organizations.size()));
  }
  if (pick_own(100) >= own_.unkeyed) {
    // Some keys are ids, so that a key of one audience is an id of another.
    const std::vector<std::string> odd = {order->first, "alice", "org-1", std::string("a\0b", 3)};
    const auto key = pick_own(own_.keys);
    message.key = key < odd.size() ? odd[key] : "key-" + std::to_string(key);
  }
  const auto padding = pick_own(3) == 0 ? pick_own(own_.largest) : pick_own(20);
  const auto text = R"({"type":"own","n":)" + std::to_string(number) + R"(,"pad":")" +
                    std::string(padding, 'x') + "\"}";
  message.bytes = text.size();
  message.shards = shards_for(message);
  messages_.push_back(message);

  const auto done = [this, number](PublishOutcome outcome) {
    auto& sent = messages_[number];
    ++sent.ended;
    if (outcome.failed_shards != sent.shards - sent.ran) {
      broken_ = describe(number) + " was handled by other shards than its sender was told";
    }
  };
  for (auto& shard : server_->shards) shard->network.chaos.on = weather_.throws;
  const ApplicationMessage sent{text, message.key};
  switch (message.audience) {
    case Audience::user:
      server_->all.send_to_user(message.id, sent, done);
      break;
    case Audience::watchers:
      server_->all.send_to_watchers(message.id, sent, done);
      break;
    case Audience::organization:
      server_->all.send_to_organization(message.id, sent, done);
      break;
  }
  for (auto& shard : server_->shards) shard->network.chaos.on = false;
}

/// A shard is handed a message: those whom it is for at this moment are written down first.
std::size_t Simulation::address(Shard& shard, const Announcement<Network::Frame>& announcement) {
  shard.network.chaos.maybe();
  const std::string& text = announcement.message.frame->value();
  const std::string_view before = R"({"type":"own","n":)";
  const auto number = static_cast<std::size_t>(std::stoull(text.substr(before.size(), 20)));
  std::vector<Client*> whom;
  for (auto& client : clients_) {
    if (client.handle && &shard_of(*client.handle) == &shard && note(client, shard, number)) {
      whom.push_back(&client);
    }
  }
  ++messages_[number].ran;
  const auto reached = shard.manager.Desk::Base::announce(announcement);
  std::size_t least = 0;
  for (const auto* client : whom) {
    const auto& wire = wire_of(*client->handle);
    if (wire.closed_by_server) continue;
    least += client->mail.must(number) ? 1U : 0U;
    // One outbox full may wait there, and as much behind debts.
    if (client->mail.more_than(wire.buffered.size() + 2 * limits().max_outbox_messages + 1) != 0) {
      broken_ = client->user + " has more messages waiting than its bounds allow";
    }
  }
  if (reached < least || reached > whom.size()) {
    broken_ = describe(number) + " reached " + std::to_string(reached) + " connections, not " +
              std::to_string(least) + " to " + std::to_string(whom.size());
  }
  return reached;
}

/// Whether a message is for this client; if so, it is expected from here on.
bool Simulation::note(Client& client, Shard& shard, std::size_t number) {
  const auto& wire = wire_of(*client.handle);
  if (wire.closed_by_server) return false;
  const auto& message = messages_[number];
  bool must = !wire.gone;
  std::uint64_t version = 0;
  switch (message.audience) {
    case Audience::user:
      if (client.user != message.id) return false;
      break;
    case Audience::organization: {
      const auto& who = directory_.users.at(client.user);
      if (who.organization_id.empty() || who.organization_id != message.id) return false;
      break;
    }
    case Audience::watchers: {
      const auto* subscription = shard.watching.find(message.id, *client.handle);
      if (subscription == nullptr || !subscription->granted) return false;
      must = must && subscription->certain;
      version = shard.manager.published[message.id];
      break;
    }
  }
  client.mail.expect(number, message, must, version);
  static_cast<void>(client.mail.crowds(limits().max_outbox_messages, limits().max_outbox_bytes));
  return true;
}

void Simulation::receive_message(Client& client, std::size_t number) {
  const auto replaced = client.mail.replaced();
  const auto* const wrong =
      client.mail.take(number, [&](const std::string& order) { return client.seen[order]; });
  if (wrong != nullptr) throw Broken(client.user + " got " + describe(number) + ": " + wrong);
  tally_.replaced += client.mail.replaced() - replaced;
  ++tally_.messages;
}

/// Each sender was told of its end, once.
void Simulation::check_ended() const {
  check_networks();
  for (std::size_t number = 0; number < messages_.size(); ++number) {
    if (messages_[number].ended != 1) {
      throw Broken(describe(number) + " ended " + std::to_string(messages_[number].ended) +
                   " times");
    }
  }
}

std::string Simulation::describe(std::size_t number) const {
  if (number >= messages_.size()) return "a message that nobody sent";
  const auto& message = messages_[number];
  const std::array<const char*, 3> audiences = {"user ", "the watchers of ", "the staff of "};
  return "message " + std::to_string(number) + " to " +
         audiences.at(static_cast<std::size_t>(message.audience)) + message.id +
         (message.key.empty() ? "" : " with key " + message.key);
}

}  // namespace ordercast::simulation
