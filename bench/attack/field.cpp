// SPDX-License-Identifier: MIT
#include "field.hpp"

#include "../../tests/support/json_helpers.hpp"
#include "../loopback/crowd.hpp"

#include <algorithm>
#include <thread>

namespace ordercast::bench {

void Field::pace(double per_second) {
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / per_second));
  // Skip turns that were missed instead of catching up in a burst.
  next_ = std::max(next_ + interval, Clock::now() - interval);
  std::this_thread::sleep_until(std::min(next_, until));
}

void Field::rest(std::chrono::milliseconds most) const {
  std::this_thread::sleep_until(std::min<Clock::time_point>(Clock::now() + most, until));
}

const std::string& Field::token(const std::string& user_id, const char* role) {
  auto& token = tokens_[user_id];
  if (token.empty()) token = token_for(user_id, role, attack_secret);
  return token;
}

const std::string& Field::customer(std::size_t number) {
  return token(user(number), "CUSTOMER");
}
const std::string& Field::admin(std::size_t number) {
  return token("staff-" + std::to_string(number), "SUPER_ADMIN");
}
const std::string& Field::stranger(std::size_t number) {
  return token("stranger-" + std::to_string(number), "CUSTOMER");
}

std::vector<Wire> Field::sockets(std::size_t count,
                                 const std::string& (Field::*token_of)(std::size_t),
                                 int receive_buffer_bytes) {
  std::vector<Wire> wires;
  for (std::size_t i = 0; i < count && !over(); ++i) {
    auto wire = connect(0, receive_buffer_bytes);
    if (wire.upgrade((this->*token_of)(i))) {
      wires.push_back(std::move(wire));
    } else {
      note("refused");
    }
  }
  note("sockets", wires.size());
  return wires;
}

std::string Field::request(std::string_view method, std::string_view target, std::string_view token,
                           std::string_view body, std::string_view more) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  if (!token.empty()) text.append("Authorization: Bearer ").append(token).append("\r\n");
  text.append(more);
  if (!body.empty()) {
    text.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  }
  return text.append("\r\n").append(body);
}

std::string Field::call(const std::string& request_text) {
  auto wire = connect();
  std::string answer;
  if (!wire.send(request_text)) return answer;
  const auto is_whole = [&] {
    const auto head = answer.find("\r\n\r\n");
    const auto length = answer.find("Content-Length: ");
    return head != std::string::npos && length < head &&
           answer.size() >= head + 4 + std::stoul(answer.substr(length + 16, 12));
  };
  while (wire.open() && !is_whole() && !over() && wire.wait(10'000)) answer += wire.read();
  return answer;
}

std::vector<std::string> Field::place_orders(std::size_t customer_number, std::size_t count) {
  std::string items;
  for (int i = 0; i < 100; ++i) {
    items += std::string(items.empty() ? "" : ",") +
             R"({"productId":"product-1-rice","quantity":)" + std::to_string(1 + i) + "}";
  }
  const auto body = R"({"storeId":"store-1","paymentMethod":"COD","fulfillmentType":"DELIVERY",)"
                    R"("deliveryAddress":")" +
                    std::string(500, 'a') + R"(","items":[)" + items + "]}";
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count && !over(); ++i) {
    const auto answer = call(request("POST", "/api/v1/orders", customer(customer_number), body));
    const auto head = answer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    auto id = test::text_of(test::member(test::parse_json(answer.substr(head + 4)), "data"), "id");
    if (!id.empty()) ids.push_back(std::move(id));
  }
  note("orders", ids.size());
  return ids;
}

}  // namespace ordercast::bench
