// SPDX-License-Identifier: MIT
// Instantiates a whole server over the asio transport; compiled in every dialect that we promise.
#include <ordercast/asio/server.hpp>

#include <string>
#include <string_view>

namespace {

struct Users {
  static ordercast::AuthResult authenticate(std::string_view token) {
    return ordercast::Identity{std::string(token), ordercast::Role::customer, ""};
  }
};
struct Orders {
  template <class Done>
  void authorize(const ordercast::IdentityView& /*who*/, std::string_view /*order_id*/,
                 Done done) const {
    done(true);
  }
};
using AllServices = ordercast::Services<Users, Orders>;

}  // namespace

void serve_over_asio();
void serve_over_asio() {
  ordercast::raw::Server<AllServices> server({},
                                             [](const auto& /*post*/) { return AllServices{}; });
  server.set_http_handler(
      [&](const ordercast::HttpRequest& /*request*/, const ordercast::HttpResponder& respond) {
        server.publish({"order", "owner", "org", "CONFIRMED", 1, "{}"});
        respond({200, {}, "done\n"});
      });
  server.listen();
  server.run();
}
