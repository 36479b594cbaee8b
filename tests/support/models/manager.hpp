// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/models/mailbox.hpp"
#include "support/models/manager_world.hpp"
#include <ordercast/connection_manager.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// A connection manager in phases: connections by hundreds, orders by hundreds, readers that stop,
/// crawl or read all; seams that answer late, not, twice, with trouble, throw, or call the manager
/// from inside; memory that runs out. Nobody sees another's order, nobody who reads all the time is
/// closed, nothing is left, and in the end whoever stayed has the final version of what they watch.
namespace ordercast::test {

template <class Source>
class ManagerRun {
 public:
  explicit ManagerRun(Source& source) : source_(source), limits_(pick_limits()) {
    world_.users = {{"alice", {"alice", Reach::own}},
                    {"bob", {"bob", Reach::own}},
                    {"sam", {"sam", Reach::organization, "org-1"}},
                    {"root", {"root", Reach::everything}}};
    const auto padding = std::vector<unsigned>{1, 300, 6000}[source_.below(3)];
    const bool huge_versions = source_.below(4) == 0;
    for (unsigned i = 0; i < orders; ++i) {
      ManagerWorld::Order order;
      order.owner = i % 5 == 4 ? "bob" : "alice";
      order.organization = i % 3 == 2 ? "org-2" : "org-1";
      order.version = huge_versions ? max_version - 100'000 : 1;
      order.padding = i * 97 % padding;
      world_.orders[id(i)] = order;
    }
    network_.fault = &world_.fault;
    network_.high_water = std::vector<std::size_t>{1, 200, 1024}[source_.below(3)];
    network_.kernel_room = std::vector<std::size_t>{0, 100, 5000}[source_.below(3)];
    manager_ = std::make_unique<Manager>(
        network_,
        ManagerSeams{{&world_}, {&world_}, {&world_}, ManagerSeams::Observer(&world_), clock_},
        limits_, nullptr, 1);
    has_epoch_ = source_.below(2) == 0;
    lags_ = source_.below(4) == 0;
    if (has_epoch_) manager_->set_epoch("e1", "node");
  }

  void run() {
    while (!source_.empty()) {
      const bool is_faulty = source_.below(12) == 0;
      const bool reenters = source_.below(12) == 0;
      if (reenters) world_.reenter = [this] { event(source_.below(22), true); };
      if (is_faulty) world_.fault.arm(source_.below(30));
      event(source_.below(22), false);
      world_.fault.disarm();
      world_.reenter = {};
      check();
    }
    settle();
    check_final();
    clear();
  }

 private:
  using Manager = ConnectionManager<SlowNetwork, ManagerSeams>;
  static constexpr unsigned orders = 300;
  static constexpr unsigned handles = 600;

  struct Client {
    std::string user;
    bool steady = false;   ///< It reads all the time and answers pings.
    std::size_t rate = 0;  ///< Bytes a second; 0: nothing.
    bool tainted = false;  ///< It was told that it asks too much or too fast, or talks rubbish.
    bool unheard = false;  ///< Some message of its was ignored.
    std::set<std::string> watched;
    std::map<std::string, std::uint64_t> need;  ///< It is promised this version or a newer one.
    std::map<std::string, std::uint64_t> got;
    std::map<std::string, std::uint64_t> says;  ///< It claims to have this version.
    std::set<std::string> any;                  ///< It asked as a client of another store.
    std::map<std::string, std::string> hint_need;
    std::map<std::string, std::string> hint_got;
    Mailbox mail;
    /// The newest version that was published for each subscription, by the question that it began
    /// with.
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> shown;
  };

  /// The shortest and the longest are among them.
  static std::string id(unsigned number) {
    if (number == 0) return "o";
    if (number == 1) return std::string(max_order_id_bytes, 'o');
    return "order-" + std::to_string(number);
  }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return *(all.begin() + source_.below(static_cast<unsigned>(all.size())));
  }
  Limits pick_limits() {
    Limits limits;
    limits.max_subscriptions = one_of<std::size_t>({0, 2, 100, 400});
    limits.max_connections_per_user = one_of<std::size_t>({0, 30});
    limits.max_outbox_messages = one_of<std::size_t>({0, 8, 64, 2048});
    limits.max_outbox_bytes = one_of<std::size_t>({0, 400, 4096, 65536});
    limits.max_concurrent_fetches = one_of<std::uint32_t>({0, 1, 4});
    limits.messages_per_second = one_of<std::uint32_t>({0, 0, 0, 50});
    limits.abuse_threshold = one_of<std::uint32_t>({0, 20});
    return limits;
  }
  unsigned pick_order() { return source_.below(source_.below(2) == 0 ? 4 : orders); }
  int pick_handle() { return static_cast<int>(source_.below(source_.below(2) == 0 ? 4 : handles)); }
  template <class F>
  void range(unsigned bound, F f) {
    const auto first = source_.below(bound);
    const auto count = 1 + source_.below(source_.below(3) == 0 ? 300 : 40);
    for (unsigned i = 0; i < count; ++i) f((first + i) % bound);
  }

  /// One event. `inside`: it comes from within a seam's call.
  void event(unsigned which, bool inside) {
    const int handle = pick_handle();
    switch (which) {
      case 0:
        open(handle);
        break;
      case 1:
        if (source_.below(3) == 0)
          range(handles, [&](unsigned one) { open(static_cast<int>(one)); });
        break;
      case 2:
        close(handle);
        break;
      case 3:
        close_many();
        break;
      case 4:
        subscribe(handle, pick_order());
        break;
      case 5:
      case 6:
        range(orders, [&](unsigned order) { subscribe(handle, order); });
        break;
      case 7:
        leave_many(handle);
        break;
      case 8:
        publish(pick_order());
        break;
      case 9:
      case 10:
        range(orders, [&](unsigned order) { publish(order); });
        break;
      case 11:
      case 12:
        answer();
        break;
      case 13:
        if (!clients_.count(handle) || clients_[handle].steady) break;
        clients_[handle].rate = source_.below(2) == 0 ? 0 : 1 + source_.below(2000);
        break;
      case 14:
        if (!inside) read(handle, one_of<std::size_t>({1, 50, 1000, SIZE_MAX}), true);
        break;
      case 15:
        if (!inside) pass(1 + source_.below(source_.below(3) == 0 ? 90 : 5));
        break;
      case 16:
        guarded([&] { manager_->ping_user(one_of<const char*>({"alice", "bob", "root"})); });
        break;
      case 17:
        say_anything(handle);
        break;
      case 19:
        for (auto left = 1 + source_.below(source_.below(4) == 0 ? 30 : 4); left > 0; --left) {
          announce();
        }
        break;
      case 20:
        chatter(handle);
        break;
      case 18:
        world_.mood = one_of({Mood::at_once, Mood::later, Mood::unavailable, Mood::never});
        break;
      default:
        rare(handle);
    }
  }

  void rare(int handle) {
    switch (source_.below(12)) {
      case 0:
        if (source_.below(4) != 0) break;
        guarded([&] { manager_->begin_drain(std::chrono::seconds(source_.below(20))); });
        draining_ = true;
        break;
      case 1:
        guarded([&] { manager_->disconnect_user("bob", CloseCode::unauthorized, "Revoked"); });
        break;
      case 2:  // A connection that never was.
        manager_->on_message(-1, "{}");
        manager_->on_writable(-1);
        manager_->on_pong(-1);
        manager_->on_close(-1);
        break;
      case 3:
        if (clients_.count(handle)) manager_->on_pong(handle);
        break;
      case 4:
        if (clients_.count(handle)) manager_->on_control(handle);
        break;
      case 5:
      case 6:
        if (lags_) world_.lag = source_.below(3);
        break;
      default:  // An answer that is lost.
        if (!world_.answers.empty()) world_.answers.pop_front();
    }
  }

  /// Calls the manager, now and then with memory that runs out. Only what is meant to may throw.
  template <class F>
  bool guarded(F&& f) {
    std::unique_ptr<FailingAllocation> failing;
    if (!settling_ && source_.below(64) == 0) {
      const auto after = source_.below(40);
      failing = std::make_unique<FailingAllocation>(after);
    }
    try {
      f();
      memory_ran_out_ = memory_ran_out_ || (failing && failing->fired());
      return true;
    } catch (const std::bad_alloc&) {
      memory_ran_out_ = true;
      return false;
    }
  }

  /// A client's message; false when it can't have been heard.
  bool say(int handle, const std::string& text) {
    auto& watching = world_.watching;
    const auto outer = std::exchange(watching.speaker, handle);
    const auto too_fast = watching.too_fast;
    const bool ran = guarded([&] { manager_->on_message(handle, text); });
    watching.speaker = outer;
    return ran && watching.too_fast == too_fast;
  }

  void open(int handle);
  void close(int handle);
  void close_many();
  [[nodiscard]] bool is_up(int handle) const {
    const auto found = network_.peers.find(handle);
    return found != network_.peers.end() && !found->second.closed;
  }

  [[nodiscard]] bool may_see(const Client& client, const ManagerWorld::Order& order) const {
    const auto who = world_.users.find(client.user);
    return who != world_.users.end() &&
           may_watch(who->second, OwnerId(order.owner), OrganizationId(order.organization));
  }

  void subscribe(int handle, unsigned number);
  void leave(int handle, const std::string& order_id);
  void leave_many(int handle);
  void say_anything(int handle);

  void publish(unsigned number);
  void answer();
  void read(int handle, std::size_t most, bool answers_pings);

  static std::string field(const std::string& text, const std::string& name, char end) {
    const auto at = text.find('"' + name + "\":");
    if (at == std::string::npos) return {};
    auto from = at + name.size() + 3;
    if (end == '"') ++from;
    return text.substr(from, text.find_first_of(end == '"' ? "\"" : ",}", from) - from);
  }
  void receive(int handle, Client& client, const std::string& text);
  void announce();
  void chatter(int handle);
  void send(Addressed message, std::size_t padding);
  [[nodiscard]] bool is_on_wire(int handle, std::size_t number) const;
  bool note(int handle, Client& client, std::size_t number, const Addressed& message);
  void check_frames() const;
  void pass(unsigned seconds);

  void check() {
    same(network_.broken == nullptr, network_.broken == nullptr ? "" : network_.broken);
    same(manager_->sessions() == clients_.size(), "as many sessions as open connections");
    same(manager_->connections() == world_.connected, "the metric counts connections");
    same(manager_->subscriptions() == world_.subscribed, "the metric counts subscriptions");
    if (limits_.max_subscriptions != 0) {
      same(manager_->subscriptions() <= clients_.size() * limits_.max_subscriptions,
           "the bound on subscriptions");
    }
    for (const auto& [handle, client] : clients_) {
      const auto& peer = network_.peers.at(handle);
      if (!peer.closed) continue;
      const bool faults = world_.fault.fired() || memory_ran_out_;
      if (client.steady && !client.tainted && !faults) {
        same(!peer.terminated && (peer.code != CloseCode::too_slow || client.mail.crowded()),
             "nobody is closed who reads");
      }
      same(peer.code != CloseCode::internal_error || faults, "without a fault nothing is one");
    }
    check_frames();
  }

  /// All faults end, everybody reads, and the server has the time that it may take.
  void settle() {
    settling_ = true;
    world_.mood = Mood::at_once;
    world_.lag = 0;
    for (int second = 0; second < 200; ++second) {
      bool busy = !world_.answers.empty();
      while (!world_.answers.empty()) answer();
      std::vector<int> all;
      for (const auto& [handle, client] : clients_) all.push_back(handle);
      for (const int handle : all) {
        for (int i = 0; i < 1000 && !network_.peers[handle].wire.empty(); ++i) {
          busy = true;
          read(handle, SIZE_MAX, true);
        }
      }
      // Something that waits is asked again within a minute and an answer's time.
      idle_ = busy ? 0 : idle_ + 1;
      if (idle_ > 100) break;
      clock_.advance(std::chrono::seconds(1));
      manager_->tick(clock_.now());
    }
    check();
  }
  void check_final() {
    for (auto& [handle, client] : clients_) {
      const auto& peer = network_.peers[handle];
      if (peer.closed || client.unheard) continue;
      same(!draining_, "a drain leaves nobody");
      same(!client.mail.missing(), "the application's messages arrive");
      for (const auto& [order_id, version] : client.need) {
        const bool has = std::max(client.got[order_id], client.says[order_id]) >= version;
        same(has, "the final version arrives");
      }
      // Of more hints than fit the newest stay.
      const bool roomy = limits_.max_outbox_messages != 8 && limits_.max_outbox_messages != 64 &&
                         limits_.max_outbox_bytes == 0;
      if (!roomy) continue;
      for (const auto& [order_id, status] : client.hint_need) {
        same(client.hint_got[order_id] == status, "the last hint arrives");
      }
    }
  }
  void clear() {
    while (!clients_.empty()) close(clients_.begin()->first);
    while (!world_.answers.empty()) answer();
    same(manager_->sessions() == 0 && manager_->connections() == 0, "no session is left");
    same(manager_->subscriptions() == 0, "no subscription is left");
    same(world_.connected == 0 && world_.subscribed == 0, "the metrics come back to zero");
    same(manager_->tick(clock_.now()) == TimePoint::max() || draining_, "no timer is left");
    same(SlowNetwork::alive_ == frames_before_, "no frame is left");
  }

  Source& source_;
  Limits limits_;
  ManualClock clock_;
  ManagerWorld world_{clock_};
  SlowNetwork network_;
  std::unique_ptr<Manager> manager_;
  std::map<int, Client> clients_;  ///< Whom the transport has not reported as closed.
  bool has_epoch_ = false;
  bool lags_ = false;  ///< The store is behind what it has committed, now and then.
  bool draining_ = false;
  bool memory_ran_out_ = false;
  bool settling_ = false;
  int idle_ = 0;
  std::size_t sent_ = 0;  ///< Messages of the application's own.
  std::size_t frames_before_ = SlowNetwork::alive_;
  std::size_t bytes_before_ = SlowNetwork::alive_bytes_;
};

}  // namespace ordercast::test

#include "support/models/manager_messages.hpp"
#include "support/models/manager_steps.hpp"
