// SPDX-License-Identifier: MIT
#pragma once

#ifndef ASIO_STANDALONE
#error "ASIO_STANDALONE is not defined: link ordercast::websocketpp, or websocketpp takes Boost"
#endif

#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/logger/levels.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/transport/asio/endpoint.hpp>

#include <cstddef>

/// websocketpp's policies for a client: those of `Base` (with random numbers from the system, as
/// masking needs them), but without logs and locks, and with our own timeouts.
namespace ordercast::websocketpp::detail {

template <class Base>
struct ClientConfig : public Base {
  using type = ClientConfig;
  using concurrency_type = ::websocketpp::concurrency::none;
  using elog_type = ::websocketpp::log::stub;
  using alog_type = ::websocketpp::log::stub;

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
