// SPDX-License-Identifier: MIT
// A hint says that a list has changed. A client reads its list again at any hint, so of those that
// wait the last one is enough, and it must come.
#include "support/fake_services.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::FakeTransport;
using test::ManualClock;

struct Staff {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    return Identity{std::string(token), Reach::organization, "shop"};
  }
};
struct Anyone {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order*/, Done done) const {
    done(Access::granted);
  }
};
struct NoOrders {
  template <class Done>
  void fetch(std::string_view /*order*/, Done done) const {
    done(std::optional<OrderSnapshot>());
  }
};

/// One slow connection of staff that holds four messages.
struct Desk {
  using Seams = Services<Staff, Anyone, NoOrders, NullObserver, ManualClock>;
  FakeTransport transport;
  ConnectionManager<FakeTransport, Seams> manager{transport, Seams{{}, {}, {}, {}, {}}, four()};

  static Limits four() {
    Limits limits;
    limits.max_outbox_messages = 4;
    return limits;
  }
  Desk() {
    manager.on_open(1, "alice");
    transport[1].reads = false;
    manager.send_to_user("alice", {R"({"type":"filler","x":")" + std::string(2000, 'x') + "\"}"});
  }
  void change(const std::string& order) {
    const auto json = R"({"id":")" + order + R"(","version":1})";
    manager.publish({order, OwnerId("customer"), OrganizationId("shop"), "READY", 1, json});
  }
  void say(int number) {
    manager.send_to_user("alice", {R"({"type":"say","n":)" + std::to_string(number) + "}"});
  }
  /// Orders of the hints that arrive once the connection reads.
  std::vector<std::string> hints() {
    for (int i = 0; i < 20; ++i) {
      if (transport.take(1)) manager.on_writable(1);
    }
    std::vector<std::string> orders;
    for (const auto& text : transport[1].received) {
      if (text.find("orders:changed") == std::string::npos) continue;
      const auto at = text.find(R"("orderId":")") + 11;
      orders.push_back(text.substr(at, text.find('"', at) - at));
    }
    return orders;
  }
};

}  // namespace

TEST_CASE("of more hints than fit the newest arrive", "[manager][hints]") {
  Desk desk;
  for (const char* order : {"a", "b", "c", "d", "e", "f"}) desk.change(order);
  desk.say(1);
  CHECK_FALSE(desk.transport[1].closed);
  CHECK(desk.hints() == std::vector<std::string>{"d", "e", "f"});
}

TEST_CASE("the last hint in a full outbox gives way only to a newer one", "[manager][hints]") {
  Desk desk;
  desk.change("a");
  for (int i = 0; i < 3; ++i) desk.say(i);
  SECTION("a newer one takes its place") {
    desk.change("b");
    CHECK(desk.hints() == std::vector<std::string>{"b"});
  }
  SECTION("anything else ends the connection, which then asks for its list") {
    desk.say(3);
    CHECK(desk.transport[1].code == CloseCode::too_slow);
  }
}
