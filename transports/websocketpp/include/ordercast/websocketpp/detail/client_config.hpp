// SPDX-License-Identifier: MIT
#pragma once

#ifndef ASIO_STANDALONE
#error "ASIO_STANDALONE is not defined: link ordercast::websocketpp, or websocketpp takes Boost"
#endif

#include <ordercast/clock.hpp>

#include <asio/version.hpp>

#if ASIO_VERSION >= 103300
#error "ordercast/websocketpp/client.hpp needs Asio below 1.33: websocketpp 0.8.2 uses io_service"
#endif

#include <asio/steady_timer.hpp>
#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/logger/levels.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/transport/asio/endpoint.hpp>

#include <cstddef>
#include <random>

/// websocketpp's policies for a client: those of `Base` (with random numbers from the system, as
/// masking needs them), but without logs and locks, and with our own timeouts.
namespace ordercast::websocketpp::detail {

/// Uniform in [0, 1), from a generator with a seed from the system.
class RandomDraw {
 public:
  double operator()() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 random_{std::random_device{}()};
};

/// Time and chance, which a test replaces together with the transport.
struct SystemSurroundings {
  using Timer = ::asio::steady_timer;
  using Draw = RandomDraw;
  [[nodiscard]] static TimePoint now() noexcept { return TimePoint::clock::now(); }
};

template <class Base>
struct ClientConfig : public Base {
  using type = ClientConfig;
  using concurrency_type = ::websocketpp::concurrency::none;
  using elog_type = ::websocketpp::log::stub;
  using alog_type = ::websocketpp::log::stub;
  using Surroundings = SystemSurroundings;

  // NOLINTNEXTLINE(readability-identifier-naming)
  struct transport_config : public Base::transport_config {
    using concurrency_type = type::concurrency_type;
    using elog_type = type::elog_type;
    using alog_type = type::alog_type;
    static constexpr bool enable_multithreading = false;
    static constexpr long timeout_dns_resolve = 10'000;
    static constexpr long timeout_connect = 10'000;
    static constexpr long timeout_socket_shutdown = 1'000;
  };
  using transport_type = ::websocketpp::transport::asio::endpoint<transport_config>;

  static constexpr long timeout_open_handshake = 10'000;
  static constexpr long timeout_close_handshake = 2'000;
};

}  // namespace ordercast::websocketpp::detail
