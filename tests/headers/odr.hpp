// SPDX-License-Identifier: MIT
#pragma once

#include "support/fake_transport.hpp"
#include <ordercast/client/order_client.hpp>
#include <ordercast/ordercast.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// What both translation units of the ODR test instantiate: a manager and one broadcast through it,
/// and a client that asks for it.

struct OdrUsers {
  [[nodiscard]] ordercast::AuthResult authenticate(std::string_view token) const {
    return ordercast::Identity{std::string(token), ordercast::Reach::own};
  }
};

struct OdrOrders {
  template <class Done>
  void authorize(const ordercast::IdentityView& /*who*/, std::string_view /*order_id*/,
                 Done done) const {
    done(true);
  }
};

using OdrManager = ordercast::ConnectionManager<ordercast::test::FakeTransport,
                                                ordercast::Services<OdrUsers, OdrOrders>>;

/// How many connections one change reaches: 1.
inline std::size_t odr_round() {
  ordercast::test::FakeTransport transport;
  OdrManager manager(transport);
  manager.on_open(1, "alice");
  ordercast::client::OrderClient client({}, [] { return 0.0; });
  const auto said = client.subscribe("order-1");
  const auto connect = client.start({}, "alice");
  for (const auto& effect : client.on_opened({}, said.size() + connect.size() - 1)) {
    manager.on_message(1, std::get<ordercast::client::Send>(effect).text);
  }
  return manager.publish({"order-1", ordercast::OwnerId("alice"),
                          ordercast::OrganizationId("org-1"), "CONFIRMED", 2, "{}"});
}

std::size_t odr_first();
std::size_t odr_second();
