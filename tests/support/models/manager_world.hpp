// SPDX-License-Identifier: MIT
#pragma once

#include "support/manual_clock.hpp"
#include "support/models/watching.hpp"
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What stands around the connection manager in its model run: a network of slow readers behind
/// kernels, and seams that answer now, later, never or with trouble, that throw, and that call the
/// manager from inside.
namespace ordercast::test {

/// A seam or the transport that fails.
struct SeamThrew : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Makes one of the calls that follow throw.
class Fault {
 public:
  void arm(unsigned after) noexcept { left_ = after + 1; }
  void disarm() noexcept { left_ = 0; }
  void maybe() {
    if (left_ == 0 || --left_ != 0) return;
    fired_ = true;
    throw SeamThrew("expected by a test");
  }
  /// Whether any has thrown, ever.
  [[nodiscard]] bool fired() const noexcept { return fired_; }

 private:
  unsigned left_ = 0;
  bool fired_ = false;
};

/// A Transport whose peers read what the run says. The kernel holds `kernel_room` bytes of each
/// beside what the transport buffers.
class SlowNetwork {
 public:
  using Handle = int;
  using Frame = std::shared_ptr<const std::string>;

  struct Peer {
    std::deque<Frame> wire;  ///< In order; a null frame is a ping.
    std::size_t bytes = 0;   ///< Not read yet.
    std::size_t front_taken = 0;
    bool wants_writable = false;
    bool closed = false;  ///< By the server.
    bool terminated = false;
    CloseCode code = CloseCode::normal;
  };

  static Frame prepare(std::string text) {
    auto* const made = new std::string(std::move(text));  // NOLINT: the frame's from here on.
    ++alive_;
    alive_bytes_ += made->size();
    return Frame(made, [](const std::string* old) {
      --alive_;
      alive_bytes_ -= old->size();
      delete old;  // NOLINT(cppcoreguidelines-owning-memory)
    });
  }
  SendResult send(Handle handle, const Frame& frame) {
    fault->maybe();
    Peer& peer = peers[handle];
    if (peer.closed) {
      breaks("something is written after a close");
      return SendResult::closed;
    }
    if (waiting(peer) >= high_water) {
      peer.wants_writable = true;
      return SendResult::backpressure;
    }
    peer.wire.push_back(frame);
    peer.bytes += frame->size();
    return SendResult::accepted;
  }
  [[nodiscard]] std::size_t waiting(const Peer& peer) const noexcept {
    return peer.bytes > kernel_room ? peer.bytes - kernel_room : 0;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const {
    return waiting(peers.at(handle));
  }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const {
    return peers.at(handle).bytes;
  }
  void ping(Handle handle) {
    fault->maybe();
    peers[handle].wire.push_back(nullptr);
  }
  void close(Handle handle, CloseCode code, std::string_view /*reason*/) {
    if (peers[handle].closed) breaks("a connection is closed twice");
    fault->maybe();
    peers[handle].closed = true;
    peers[handle].code = code;
  }
  void terminate(Handle handle) {
    if (peers[handle].closed) breaks("a connection is closed twice");
    peers[handle].closed = peers[handle].terminated = true;
  }

  /// What is thrown here the manager takes for a fault, so what breaks is kept.
  void breaks(const char* promise) noexcept {
    if (broken == nullptr) broken = promise;
  }

  Fault* fault = nullptr;
  std::size_t high_water = 1024;
  std::size_t kernel_room = 0;
  const char* broken = nullptr;
  std::map<Handle, Peer> peers;
  inline static std::size_t alive_ = 0;  ///< Frames, of all networks.
  inline static std::size_t alive_bytes_ = 0;
};

/// How seams answer.
enum class Mood : std::uint8_t { at_once, later, unavailable, never };

/// What the seams of one run share.
struct ManagerWorld {
  struct Order {
    std::string owner;
    std::string organization;
    std::uint64_t version = 1;
    std::size_t padding = 0;
    [[nodiscard]] std::string json(std::uint64_t at) const {
      return R"({"version":)" + std::to_string(at) + R"(,"x":")" + std::string(padding, 'x') +
             "\"}";
    }
  };

  explicit ManagerWorld(ManualClock clock) : watching(std::move(clock)) {}

  /// What is read of an order: the store may lag behind what it has committed.
  [[nodiscard]] std::uint64_t version_read(const Order& order) const noexcept {
    return order.version - std::min(lag, order.version - 1);
  }
  /// Calls `reenter` once, if it is set, and fails if that is due.
  void enter() {
    if (const auto call = std::exchange(reenter, {})) call();
    fault.maybe();
  }
  template <class Done, class Answer, class Trouble>
  void reply(Done done, const Answer& answer, const Trouble& trouble) {
    if (mood == Mood::at_once) done(answer);
    if (mood == Mood::later) answers.push_back([done, answer] { done(answer); });
    if (mood == Mood::unavailable) done(trouble);
  }

  std::map<std::string, Order, std::less<>> orders;
  std::map<std::string, Identity, std::less<>> users;
  Mood mood = Mood::at_once;
  std::uint64_t lag = 0;  ///< So many versions behind is what is read.
  std::deque<std::function<void()>> answers;
  std::function<void()> reenter;
  Fault fault;
  Watching watching;
  std::size_t connected = 0;
  std::size_t subscribed = 0;
  std::size_t too_many = 0;  ///< Subscribes that were refused for their number.
};

struct ManagerSeams {
  struct Authenticator {
    ManagerWorld* world;
    [[nodiscard]] AuthResult authenticate(std::string_view token) const {
      world->fault.maybe();
      const auto found = world->users.find(token);
      if (found == world->users.end()) return AuthFailure{};
      return found->second;
    }
  };
  struct Authorizer {
    ManagerWorld* world;
    template <class Done>
    void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
      const auto question = ask(who, order_id);
      world->enter();
      const auto found = world->orders.find(order_id);
      const bool allowed =
          found != world->orders.end() &&
          may_watch(who, OwnerId(found->second.owner), OrganizationId(found->second.organization));
      // Every other order is granted with the version that is read.
      const auto version = !allowed || found->second.owner.size() % 2 == 0
                               ? std::nullopt
                               : std::optional(world->version_read(found->second));
      const auto tell = [done, question, version, world = world](Access access) {
        if (access == Access::granted) world->watching.grant(question);
        if (access == Access::granted && version) {
          done(GrantedAt{*version});
        } else {
          done(access);
        }
      };
      world->reply(tell, allowed ? Access::granted : Access::denied, Access::unavailable);
      // What the call was handed lives until it returns.
      if (who.user_id.empty() || order_id.empty()) throw SeamThrew("no user and no order");
    }
    /// The test's own memory never runs out: of the allocations of one call, one fails.
    [[nodiscard]] Watching::Question ask(const IdentityView& who, std::string_view order_id) const {
      try {
        return world->watching.ask(who.user_id, order_id);
      } catch (const std::bad_alloc&) {
        return world->watching.ask(who.user_id, order_id);
      }
    }
  };
  struct OrderSource {
    ManagerWorld* world;
    template <class Done>
    void fetch(std::string_view order_id, Done done) const {
      world->enter();
      std::optional<OrderSnapshot> snapshot;
      const auto found = world->orders.find(order_id);
      if (found != world->orders.end()) {
        const auto version = world->version_read(found->second);
        snapshot = OrderSnapshot{version, found->second.json(version)};
      }
      world->reply(done, snapshot, Unavailable{});
    }
  };
  struct Observer : NullObserver {
    explicit Observer(ManagerWorld* shared) : world(shared) {}
    ManagerWorld* world;
    void on_connected() {
      ++world->connected;
      world->fault.maybe();
    }
    void on_disconnected() {
      --world->connected;
      world->fault.maybe();
    }
    void on_subscribed() {
      ++world->subscribed;
      world->fault.maybe();
    }
    void on_unsubscribed(std::size_t count) {
      world->subscribed -= count;
      world->fault.maybe();
    }
    void on_delivered(MessageType /*type*/, std::size_t /*count*/) { world->fault.maybe(); }
    void on_conflated(std::size_t /*count*/) { world->fault.maybe(); }
    void on_dropped(std::size_t /*count*/) { world->fault.maybe(); }
    void on_error(ErrorCode code) {
      if (code == ErrorCode::too_many_subscriptions) ++world->too_many;
      if (code == ErrorCode::rate_limited) ++world->watching.too_fast;
      world->fault.maybe();
    }
    void on_closed_by_server(CloseCode /*code*/) { world->fault.maybe(); }
  };

  Authenticator authenticator;
  Authorizer authorizer;
  OrderSource orders;
  Observer observer;
  ManualClock clock;
};

}  // namespace ordercast::test
