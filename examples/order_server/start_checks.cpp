// SPDX-License-Identifier: MIT
#include "start_checks.hpp"

#include "push/service_account.hpp"
#include "secrets.hpp"
#include "store/demo_start.hpp"
#include "store/open_database.hpp"
#include <ordercast/net/descriptor_limit.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>

namespace order_server {
namespace {

/// Binds and lets go again. What listens at the same address already, or a name that does not
/// resolve, is found here rather than after the database was made.
void require_address(const std::string& host, const char* port_option, std::uint16_t port) {
  using ::asio::ip::tcp;
  ::asio::io_context io;
  std::error_code error;
  const auto where = host + ":" + std::to_string(port) + ": ";
  const auto found =
      tcp::resolver(io).resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    throw std::runtime_error("--host: cannot listen on " + where + error.message());
  }
  const tcp::endpoint endpoint = *found.begin();
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) return;
  // Asio's own category doesn't compare with std::errc.
  const std::error_code cause(error.value(), std::system_category());
  const bool is_host =
      cause == std::errc::address_not_available || cause == std::errc::address_family_not_supported;
  throw std::runtime_error((is_host ? "--host" : port_option) + std::string(": cannot listen on ") +
                           where + error.message());
}

bool makes_a_database(const std::string& db) {
  if (is_shared_database(db)) return false;
  std::error_code error;
  return !std::filesystem::exists(db, error) || std::filesystem::is_empty(db, error);
}

/// What the smallest server has open.
constexpr std::size_t least_descriptors = 32;

}  // namespace

void require_descriptors(std::size_t open) {
  constexpr std::size_t room_for_clients = 8;
  const auto limit = ordercast::net::descriptor_limit();
  if (limit >= open + room_for_clients) return;
  throw std::runtime_error("the limit on open files is " + std::to_string(limit) +
                           "; the server needs at least " +
                           std::to_string(open + room_for_clients) +
                           ": raise it (ulimit -Hn, LimitNOFILE of systemd), or lower --db-readers "
                           "and --threads");
}

std::size_t open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void check_start(const Config& config) {
  require_descriptors(least_descriptors);
  if (!config.fcm_service_account.empty()) {
    try {
      static_cast<void>(load_service_account(config.fcm_service_account));
    } catch (const std::exception& error) {
      throw std::runtime_error("FCM_SERVICE_ACCOUNT: " + std::string(error.what()));
    }
  }
  // What was inherited listens already.
  if (config.listening_socket < 0) require_address(config.host, "--port", config.port);
  if (config.ops_port != 0) require_address(config.host, "--ops-port", config.ops_port);
  if (!makes_a_database(config.db)) return;
  if (config.demo_data == DemoMode::automatic && !listens_on_loopback(config.host)) {
    throw std::runtime_error(demo_data_choices(config.host));
  }
  const bool is_demo = config.demo_data != DemoMode::off && listens_on_loopback(config.host);
  if (config.jwt_secret.empty() && !is_demo) throw std::runtime_error(missing_jwt_secret());
}

}  // namespace order_server
