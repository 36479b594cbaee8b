// SPDX-License-Identifier: MIT
// Attacks on sign-in, and on the lanes of those who write.
#include "../../tests/support/json_helpers.hpp"
#include "field.hpp"

#include <functional>
#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

/// Sends each request on its own connection, with at most `in_flight` in flight. Counts answers by
/// status.
void ask(Field& field, std::size_t in_flight, double per_second,
         const std::function<std::string(std::size_t)>& request) {
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(per_second)) {
    for (auto& wire : wires) {
      const auto answer = wire.read(4'096);
      if (answer.rfind("HTTP/1.1 ", 0) != 0) continue;
      field.note(answer.substr(9, 3));
      wire.close();
    }
    drop_ended(wires);
    if (wires.size() >= in_flight) {
      field.note("waits");
      continue;
    }
    wires.push_back(field.connect());
    wires.back().send(request(i));
    field.note("requests");
  }
}

std::string login(const std::string& email, const std::string& password) {
  return Field::request("POST", "/api/v1/auth/login", "",
                        R"({"email":")" + email + R"(","password":")" + password + "\"}");
}

void wrong_logins(Field& field) {
  ask(field, 500, 200, [](std::size_t i) {
    return login("somebody-" + std::to_string(i) + "@attack.example", "wrong");
  });
}
void right_logins(Field& field) {
  ask(field, 500, 200,
      [](std::size_t i) { return login(Field::user(i) + "@attack.example", "customer123"); });
}
/// Long passwords, and many of one account.
void dear_logins(Field& field) {
  ask(field, 200, 200, [](std::size_t i) {
    return login(i % 2 == 0 ? "admin@martly.dev" : "x" + std::to_string(i),
                 std::string(1'024, 'p'));
  });
}

/// One sign-in, renewed by many at once while others end it.
void refresh_races(Field& field) {
  std::string refresh;
  std::string access;
  const auto sign_in = [&] {
    const auto answer = field.call(login(Field::user(0) + "@attack.example", "customer123"));
    const auto head = answer.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto json = test::parse_json(answer.substr(head + 4));
    refresh = test::text_of(test::member(json, "data"), "refreshToken");
    access = test::text_of(test::member(json, "data"), "accessToken");
  };
  sign_in();
  ask(field, 64, 400, [&](std::size_t i) {
    if (i % 400 == 399) sign_in();
    if (i % 100 == 99) {
      return Field::request("POST", "/api/v1/auth/logout", access,
                            R"({"refreshToken":")" + refresh + "\"}");
    }
    return Field::request("POST", "/api/v1/auth/refresh", "",
                          R"({"refreshToken":")" + refresh + "\"}");
  });
}

/// Good and bad tokens, each new, so that none is in the server's cache.
void new_tokens(Field& field) {
  ask(field, 64, 600, [&](std::size_t i) {
    auto token = field.stranger(i);
    if (i % 3 == 0) token.back() = token.back() == 'A' ? 'B' : 'A';
    if (i % 3 == 1) token += std::string(3'000, 'A');
    return Field::request("GET", "/api/v1/auth/me", token);
  });
}

/// Users sign in, open sockets and end all their sign-ins, again and again.
void logouts(Field& field) {
  std::vector<Wire> sockets;
  ask(field, 32, 200, [&](std::size_t i) {
    if (sockets.size() > 200) sockets.clear();
    sockets.push_back(field.connect());
    sockets.back().send(Wire::handshake(field.customer(i)));
    return Field::request("POST", "/api/v1/auth/logout", field.customer(i), "{}");
  });
}

void bad_webhooks(Field& field) {
  const std::string body =
      R"({"event":"payment.captured","payload":")" + std::string(65'000, 'x') + "\"}";
  ask(field, 300, 400, [&](std::size_t i) {
    return Field::request(
        "POST", "/api/v1/payments/webhook", "", body,
        "X-Razorpay-Signature: " + std::string(64, i % 2 == 0 ? 'a' : 'b') + "\r\n");
  });
}

void devices(Field& field) {
  ask(field, 200, 400, [&](std::size_t i) {
    const auto body = R"({"token":"device-)" + std::to_string(i / 2 % 5'000) +
                      std::string(3'000, 'd') + R"(","platform":"android"})";
    return Field::request(i % 4 == 3 ? "DELETE" : "POST", "/api/v1/devices", field.customer(i),
                          body);
  });
}

std::string order_body() {
  return R"({"storeId":"store-1","paymentMethod":"ONLINE","fulfillmentType":"PICKUP",)"
         R"("items":[{"productId":"product-1-rice","quantity":1}]})";
}

/// One user writes without a pause.
void one_writer(Field& field) {
  ask(field, 500, 1'000, [&](std::size_t) {
    return Field::request("POST", "/api/v1/orders", field.customer(0), order_body());
  });
}
/// 40 users write at their limit.
void many_writers(Field& field) {
  ask(field, 500, 190, [&](std::size_t i) {
    return Field::request("POST", "/api/v1/orders", field.customer(i), order_body());
  });
}

/// Starts payments and verifies them with invalid signatures.
void bad_payments(Field& field) {
  const auto ids = field.place_orders(0, 20);
  if (ids.empty()) return;
  ask(field, 200, 300, [&](std::size_t i) {
    const auto target = "/api/v1/orders/" + ids[i % ids.size()] + "/payment";
    if (i % 2 == 0) return Field::request("POST", target, field.customer(0), "{}");
    return Field::request("POST", target + "/verify", field.customer(i),
                          R"({"razorpay_order_id":"order_x","razorpay_payment_id":"pay_x",)"
                          R"("razorpay_signature":"00"})");
  });
}

/// Staff try impossible changes and disconnect users without pause.
void staff_noise(Field& field) {
  ask(field, 200, 300, [&](std::size_t i) {
    if (i % 2 == 0) {
      return Field::request("POST",
                            "/api/v1/admin/users/stranger-" + std::to_string(i) + "/disconnect",
                            field.admin(i % 20), "{}");
    }
    return Field::request("PATCH", "/api/v1/orders/nothing-" + std::to_string(i) + "/status",
                          field.admin(i % 20), R"({"status":"CONFIRMED"})");
  });
}

/// A customer with many devices and orders: each change causes a push to every device.
void pushes(Field& field) {
  for (int i = 0; i < 45 && !field.over(); ++i) {
    field.call(
        Field::request("POST", "/api/v1/devices", field.customer(0),
                       R"({"token":"phone-)" + std::to_string(i) + R"(","platform":"android"})"));
  }
  const auto ids = field.place_orders(1, 50);
  ask(field, 50, 40, [&](std::size_t) {
    return Field::request("POST", "/api/v1/orders", field.customer(0), order_body());
  });
}

}  // namespace

std::vector<Attack> attacks_on_accounts() {
  return {
      {"wrong-logins", "200 logins of unknown accounts a second, 500 in flight.", &wrong_logins},
      {"right-logins", "The same with correct passwords.", &right_logins},
      {"dear-logins", "Passwords of a kilobyte; half of them for one account.", &dear_logins},
      {"refresh-races", "400 renewals of one sign-in a second, among logouts.", &refresh_races},
      {"new-tokens", "600 new tokens a second: good, bad and long.", &new_tokens},
      {"logouts", "Users with sockets log out everywhere, 200 times a second.", &logouts},
      {"bad-webhooks", "400 webhooks of 65 kB a second with bad signatures.", &bad_webhooks},
      {"devices", "400 devices registered and removed a second.", &devices},
      {"one-writer", "One customer places 1,000 orders a second.", &one_writer},
      {"many-writers", "40 customers place as many orders as their limit allows.", &many_writers},
      {"bad-payments", "Payments started and verified with bad signatures.", &bad_payments},
      {"staff-noise", "Staff disconnect users and change orders that do not exist.", &staff_noise},
      {"pushes", "A customer with 45 devices places orders without pause.", &pushes},
  };
}

}  // namespace ordercast::bench
