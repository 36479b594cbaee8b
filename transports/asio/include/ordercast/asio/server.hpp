// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/server.hpp>

/// A whole server on the asio transport. See `net::Server`, which works with any transport.
///
///     asio::Server<MyServices> server({}, [&](const auto& post) { return MyServices{post}; });
///     server.listen();
///     server.run();
namespace ordercast::asio {

using net::ServerOptions;

template <class ServicesT = DefaultServices>
using Server = net::Server<Transport, ServicesT>;

}  // namespace ordercast::asio
