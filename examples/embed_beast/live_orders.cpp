// SPDX-License-Identifier: MIT
#include "live_orders.hpp"

#include "../embed_shop.hpp"
#include <ordercast/asio/server.hpp>

#include <cstdint>
#include <thread>

struct LiveOrders::Parts {
  // It listens on no port: it serves only the connections that it adopts.
  ordercast::asio::Server<embed::Shop> server{{},
                                              [](const auto& /*post*/) { return embed::Shop{}; }};
  std::uint64_t version = 1;
  std::thread thread{[this] { server.run(); }};
};

LiveOrders::LiveOrders() : parts_(std::make_unique<Parts>()) {}

LiveOrders::~LiveOrders() {
  parts_->server.stop();
  parts_->thread.join();
}

void LiveOrders::adopt(int fd, const ordercast::HttpRequest& handshake,
                       const std::string& bytes_behind) {
  parts_->server.adopt(fd, handshake, bytes_behind);
}

void LiveOrders::change_note(const std::string& note) {
  const auto version = ++parts_->version;
  const auto json = embed::order_json(note, version);
  parts_->server.publish(embed::order_event(json, version));
}
