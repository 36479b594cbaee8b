// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/server.hpp>
#include <ordercast/websocketpp/transport.hpp>

/// A whole server on websocketpp. See `net::Server`, which works with any transport.
///
///     websocketpp::Server<MyServices> server({}, [&](const auto& post) { return MyServices{post};
///     }); server.listen(); server.run();
namespace ordercast::websocketpp {

using net::ServerOptions;

template <class ServicesT = DefaultServices>
using Server = net::Server<Transport, ServicesT>;

}  // namespace ordercast::websocketpp
