// SPDX-License-Identifier: MIT
// Instantiates a whole server over the asio transport; compiled in every dialect that we promise.
#include "odr.hpp"
#include <ordercast/asio/server.hpp>

using AllServices = ordercast::Services<OdrUsers, OdrOrders>;

void serve_over_asio();
void serve_over_asio() {
  ordercast::asio::Server<AllServices> server({},
                                              [](const auto& /*post*/) { return AllServices{}; });
  server.set_http_handler(
      [&](const ordercast::HttpRequest& /*request*/, const ordercast::HttpResponder& respond) {
        server.publish({"order", ordercast::OwnerId("owner"), ordercast::OrganizationId("org"),
                        "CONFIRMED", 1, "{}"});
        respond({200, {}, "done\n"});
      });
  server.listen();
  server.run();
}
