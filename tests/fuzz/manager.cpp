// SPDX-License-Identifier: MIT
// A connection manager under any sequence of events: hostile texts, answers twice or late, slow
// readers, drain. What it wrote is checked against who was allowed to see it.
#include "fuzz/fuzz.hpp"
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;

constexpr std::size_t max_outbox_messages = 16;
constexpr std::size_t max_outbox_bytes = 2048;

/// Each token is its user's name.
std::shared_ptr<test::World> small_world() {
  auto world = std::make_shared<test::World>();
  world->tokens = {{"alice", {"alice", Role::customer, ""}},
                   {"bob", {"bob", Role::customer, ""}},
                   {"sam", {"sam", Role::staff, "org-1"}},
                   {"root", {"root", Role::super_admin, ""}}};
  world->orders = {{"a", {"alice", "org-1", 1, R"({"id":"a"})"}},
                   {"b", {"bob", "org-2", 1, R"({"id":"b"})"}},
                   {"c", {"alice", "org-2", 1, R"({"id":"c"})"}}};
  return world;
}

class Run {
 public:
  explicit Run(Choices& choices)
      : choices_(choices),
        world_(small_world()),
        manager_(transport_, test::FakeServices(world_, clock_), limits()) {}

  void step() {
    const auto event = choices_.below(12);
    const int handle = static_cast<int>(choices_.below(6));
    auto& peer = transport_[handle];
    switch (event) {
      case 0:
        open(handle);
        break;
      case 1:
        if (open_.count(handle) != 0) close(handle);
        break;
      case 2:
      case 3:
        message(handle, ask());
        break;
      case 4:
        message(handle, std::string(choices_.text()));
        break;
      case 5:
      case 6:
        publish();
        break;
      case 7:
        answer();
        break;
      case 8:
        peer.reads = !peer.reads;
        break;
      case 9:
        if (transport_.take(handle) && open_.count(handle) != 0) manager_.on_writable(handle);
        break;
      case 10:
        clock_.advance(milliseconds(choices_.word()));
        manager_.tick(clock_.now());
        break;
      default:
        rare(handle);
    }
    check();
  }

  void end() {
    while (!open_.empty()) close(open_.begin()->first);
    while (!world_->answers.empty()) answer();
    require(manager_.sessions() == 0 && manager_.connections() == 0, "no session is left");
    require(manager_.subscriptions() == 0, "no subscription is left");
    require(world_->connected == 0 && world_->subscribed == 0, "the metrics come back to zero");
    require(manager_.tick(clock_.now()) == TimePoint::max() || draining_, "no timer is left");
  }

 private:
  static Limits limits() {
    Limits limits;
    limits.max_subscriptions = 2;
    limits.max_connections_per_user = 3;
    limits.abuse_threshold = 20;
    limits.max_outbox_messages = max_outbox_messages;
    limits.max_outbox_bytes = max_outbox_bytes;
    return limits;
  }

  void open(int handle) {
    static const std::vector<std::string> tokens = {"alice", "bob", "sam", "root", "stranger", ""};
    if (!open_.count(handle)) transport_[handle] = {};
    const auto& token = tokens[choices_.below(6)];
    if (open_.emplace(handle, token).second) manager_.on_open(handle, token);
  }
  void close(int handle) {
    manager_.on_close(handle);
    open_.erase(handle);
    // What the network had not taken yet goes with the connection.
    transport_[handle].buffered.clear();
    transport_[handle].buffered_bytes = 0;
  }

  std::string ask() {
    std::string text =
        choices_.below(3) == 0 ? R"({"type":"unsubscribe")" : R"({"type":"subscribe")";
    text += R"(,"orderId":")" + order() + "\"";
    const auto since = choices_.below(8);
    if (since < 5) text += R"(,"since":)" + std::to_string(since);
    return text + "}";
  }
  void message(int handle, const std::string& text) {
    if (open_.count(handle) != 0) manager_.on_message(handle, text);
  }

  std::string order() { return std::string(1, static_cast<char>('a' + choices_.below(5))); }

  void publish() {
    const auto id = order();
    const auto found = world_->orders.find(id);
    if (found == world_->orders.end()) return;
    auto& order = found->second;
    const bool again = choices_.below(4) == 0;  // As after a crash of the dispatcher.
    if (!again) ++order.version;
    order.json = R"({"id":")" + id + R"(","version":)" + std::to_string(order.version) +
                 R"(,"x":")" + std::string(choices_.byte(), 'x') + "\"}";
    manager_.publish({id, order.owner, order.organization, "READY", order.version, order.json});
  }

  /// Any of the answers that wait; some are given twice.
  void answer() {
    if (world_->answers.empty()) return;
    const auto at = choices_.byte() % world_->answers.size();
    const auto answer = world_->answers[at];
    if (choices_.below(4) == 0) {
      answer();
      if (at >= world_->answers.size()) return;
    }
    world_->answers.erase(world_->answers.begin() + static_cast<std::ptrdiff_t>(at));
    answer();
  }

  void rare(int handle) {
    switch (choices_.below(5)) {
      case 0:
        if (open_.count(handle) != 0) manager_.on_pong(handle);
        break;
      case 1:
        manager_.disconnect_user("alice", CloseCode::unauthorized, "Revoked");
        break;
      case 2:
        world_->answer_later = !world_->answer_later;
        break;
      case 3:  // An event for a connection that never was, or is gone.
        manager_.on_message(99, "{}");
        manager_.on_writable(99);
        manager_.on_pong(99);
        manager_.on_close(99);
        break;
      default:
        manager_.begin_drain(milliseconds(choices_.word()));
        draining_ = true;
    }
  }

  void check() {
    for (int handle = 0; handle < 6; ++handle) {
      auto& peer = transport_[handle];
      require(peer.frames_after_close == 0, "nothing is written after a close");
      for (const auto& text : peer.received) check_allowed(handle, text);
      peer.received.clear();
      require(peer.buffered_bytes <= transport_.high_water + 512, "a transport's bound");
    }
    require(manager_.sessions() == open_.size(), "as many sessions as open connections");
    require(manager_.connections() == world_->connected, "the metric counts connections");
    require(manager_.subscriptions() == world_->subscribed, "the metric counts subscriptions");
    require(manager_.subscriptions() <= open_.size() * 2, "the bound on subscriptions");
  }

  void check_allowed(int handle, const std::string& text) {
    if (text.find(R"("type":"order)") == std::string::npos) return;
    const auto user = open_.find(handle);
    require(user != open_.end(), "only who is connected gets an order");
    const auto& who = world_->tokens.find(user->second);
    require(who != world_->tokens.end(), "a stranger gets no order");
    const auto at = text.find(R"("orderId":")") + 11;
    const auto& order = world_->orders.find(text.substr(at, 1))->second;
    require(may_watch(who->second, order.owner, order.organization), "nobody sees another's order");
  }

  Choices& choices_;
  test::ManualClock clock_;
  std::shared_ptr<test::World> world_;
  test::FakeTransport transport_;
  ConnectionManager<test::FakeTransport, test::FakeServices> manager_;
  std::map<int, std::string> open_;  // Each with its token.
  bool draining_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  Run run(choices);
  while (!choices.empty()) run.step();
  run.end();
  return 0;
}
