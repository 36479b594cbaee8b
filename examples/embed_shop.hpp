// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/services.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// The shop behind the embed_ examples: it has one order, order-1, which belongs to alice.
namespace embed {

/// Knows a user by the token. Here the token is the user's name; a real one is signed.
struct Users {
  [[nodiscard]] ordercast::AuthResult authenticate(std::string_view token) const {
    if (token.empty()) return ordercast::AuthFailure{"Missing token"};
    return ordercast::Identity{std::string(token), ordercast::Reach::own};
  }
};

/// Says who may watch which order.
struct Rules {
  template <class Done>
  void authorize(const ordercast::IdentityView& who, std::string_view order_id, Done done) const {
    done(order_id == "order-1" && who.user_id == "alice");
  }
};

using Shop = ordercast::Services<Users, Rules>;

/// order-1 with a note, as JSON.
inline std::string order_json(const std::string& note, std::uint64_t version) {
  const nlohmann::json order = {{"id", "order-1"}, {"note", note}, {"version", version}};
  return order.dump();
}

/// The change to publish; `json` must outlive it.
inline ordercast::OrderEvent order_event(const std::string& json, std::uint64_t version) {
  return {"order-1",
          ordercast::OwnerId("alice"),
          ordercast::OrganizationId("org-1"),
          "CONFIRMED",
          version,
          json};
}

}  // namespace embed
