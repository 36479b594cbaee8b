// SPDX-License-Identifier: MIT
#include "live_orders.hpp"

#include <ordercast/asio/server.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string_view>
#include <thread>

using namespace ordercast;

namespace {

struct Users {  // The token is the user's name; a real one is signed.
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.empty()) return AuthFailure{"Missing token"};
    return Identity{std::string(token), Reach::own};
  }
};

struct Rules {
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(order_id == "order-1" && who.user_id == "alice");
  }
};

}  // namespace

struct LiveOrders::Parts {
  // It listens nowhere: its connections are those that it adopts.
  ordercast::asio::Server<Services<Users, Rules>> server{
      {}, [](const auto& /*post*/) { return Services<Users, Rules>{}; }};
  std::uint64_t version = 1;
  std::thread thread{[this] { server.run(); }};
};

LiveOrders::LiveOrders() : parts_(std::make_unique<Parts>()) {}

LiveOrders::~LiveOrders() {
  parts_->server.stop();
  parts_->thread.join();
}

void LiveOrders::adopt(int fd, const HttpRequest& handshake, const std::string& bytes_behind) {
  parts_->server.adopt(fd, handshake, bytes_behind);
}

void LiveOrders::change_note(const std::string& note) {
  const auto version = ++parts_->version;
  const nlohmann::json order = {{"id", "order-1"}, {"note", note}, {"version", version}};
  const auto json = order.dump();
  parts_->server.publish(
      {"order-1", OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version, json});
}
