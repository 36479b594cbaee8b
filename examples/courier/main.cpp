// SPDX-License-Identifier: MIT
// A courier's phone sends its position once a second; the customer who watches the order sees it
// move. The messages are the application's own: ordercast carries them to those who may watch the
// order, and a slow screen gets the newest position alone. When the order is ready, its customer
// hears of it, and its courier, who is assigned to it without owning it.
//
//     courier [PORT]    then open http://127.0.0.1:PORT/
//     curl -X POST http://127.0.0.1:PORT/ready/order-1
#include "page.hpp"
#include <ordercast/asio/server.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

using namespace ordercast;

namespace {

/// Returns the number after the dash: order-7 belongs to customer-7, and courier-7 delivers it.
std::string_view number_of(std::string_view name) {
  const auto dash = name.find('-');
  return dash == std::string_view::npos ? std::string_view() : name.substr(dash + 1);
}
bool is_a(std::string_view kind, std::string_view name) {
  return name.substr(0, kind.size() + 1) == std::string(kind) + '-' && !number_of(name).empty();
}

struct Users {  // The token is the user's name; a real one is signed.
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (is_a("customer", token) || is_a("courier", token)) {
      return Identity{std::string(token), Reach::own};
    }
    return AuthFailure{};
  }
};

struct Rules {
  template <class Done>
  void authorize(const IdentityView& who, std::string_view order_id, Done done) const {
    done(is_a("order", order_id) && is_a("customer", who.user_id) &&
         number_of(order_id) == number_of(who.user_id));
  }
};

/// Handles the couriers' messages. Its pointer to the server is set once the server exists.
struct Positions;
using CourierServices = Services<Users, Rules, NoSnapshots, NullObserver, SteadyClock, Positions>;
using CourierServer = ordercast::asio::Server<CourierServices>;

struct Positions {
  std::shared_ptr<CourierServer*> server;

  [[nodiscard]] bool on_unknown(const IdentityView& who, std::string_view type,
                                std::string_view message) const {
    if (type != "position" || !is_a("courier", who.user_id)) return false;
    const auto said = nlohmann::json::parse(message);  // ordercast has checked that it is JSON.
    if (!said.value("x", nlohmann::json()).is_number() ||
        !said.value("y", nlohmann::json()).is_number()) {
      return false;
    }
    const auto order = "order-" + std::string(number_of(who.user_id));
    const nlohmann::json told = {
        {"type", "courier:position"}, {"orderId", order}, {"x", said["x"]}, {"y", said["y"]}};
    const auto text = told.dump();
    (*server)->send_to_watchers(order, {text, "position"});
    return true;
  }
};

/// Tells the customer and the courier that an order is ready. The example keeps no versions, so it
/// publishes version 0, which always counts as new.
void publish_ready(CourierServer& server, const std::string& order) {
  const auto number = std::string(number_of(order));
  const auto customer = "customer-" + number;
  const auto courier = "courier-" + number;
  const nlohmann::json json = {{"id", order}, {"status", "READY"}};
  const auto text = json.dump();
  server.publish(
      {order, OwnerId(customer), OrganizationId(), "READY", 0, text, AssigneeId(courier)});
}

}  // namespace

int main(int argc, char** argv) try {
  net::ServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 7002);
  const auto self = std::make_shared<CourierServer*>(nullptr);
  CourierServer server(options, [&](const auto& /*post*/) {
    return CourierServices{{}, {}, {}, {}, {}, Positions{self}};
  });
  *self = &server;
  server.set_http_handler([&](const HttpRequest& request, const HttpResponder& respond) {
    constexpr std::string_view ready = "/ready/";
    if (request.method == "POST" && request.path().substr(0, ready.size()) == ready) {
      const auto order = std::string(request.path().substr(ready.size()));
      if (!is_a("order", order)) return respond({404, {}, "There is no such order\n"});
      publish_ready(server, order);
      return respond({200, {}, "The customer and the courier have been told\n"});
    }
    respond({200, {{"Content-Type", "text/html; charset=utf-8"}}, courier_page});
  });
  std::cout << "listening on ws://127.0.0.1:" << server.listen() << "/ws" << std::endl;
  server.run();
} catch (const std::exception& error) {
  std::cerr << "courier: " << error.what() << '\n';
  return 1;
}
