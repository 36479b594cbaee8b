// SPDX-License-Identifier: MIT
#include "store/demo_start.hpp"

#include "store/demo_data.hpp"
#include <ordercast/handshake.hpp>
#include <ordercast/net/client_address.hpp>

#include <spdlog/spdlog.h>

#include <stdexcept>

namespace order_server {

bool listens_on_loopback(const std::string& host) {
  const auto address = ordercast::net::ClientAddress::parse(host);
  return ordercast::iequals(host, "localhost") || (address && address->is_loopback());
}

std::string demo_data_choices(const std::string& host) {
  return "the database is empty, and other machines can reach --host " + host +
         ": choose --demo-data off (start empty; order_server user add creates users), "
         "--demo-data on (fill it with demo data, whose passwords everybody knows), or "
         "--host 127.0.0.1 (demo data for this machine only)";
}

bool start_with_demo_data(Store& store, const PasswordHasher& hasher, DemoMode mode,
                          const std::string& host, std::int64_t now_ms) {
  const bool is_private = listens_on_loopback(host);
  if (!is_private && mode == DemoMode::automatic && store.empty()) {
    throw std::runtime_error(demo_data_choices(host));
  }
  if (mode != DemoMode::off && fill_with_demo_data(store, hasher, now_ms)) {
    spdlog::info("the empty database was filled with demo data");
  }
  if (!store.is_demo()) return false;
  if (!is_private && mode != DemoMode::on) {
    throw std::runtime_error(
        "the database holds demo data, whose passwords everybody knows, and other machines can "
        "reach it at --host " +
        host +
        ": choose another --db, --demo-data on (serve it anyway), or --host 127.0.0.1 (this "
        "machine only)");
  }
  if (!is_private) {
    spdlog::warn(
        "DEMO DATA IS SERVED ON {}: everybody who can reach it can sign in as admin@martly.dev "
        "with a password that is printed in the manual, and pay with test payments",
        host);
  }
  return mode != DemoMode::off;
}

}  // namespace order_server
