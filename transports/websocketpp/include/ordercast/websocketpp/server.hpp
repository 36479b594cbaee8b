// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/server.hpp>
#include <ordercast/websocketpp/transport.hpp>

/// A whole server on websocketpp. All that it does is in `net::Server`, which any transport fits.
///
///     websocketpp::Server<MyServices> server({}, [&](const auto& post) { return MyServices{post};
///     }); server.listen(); server.run();
namespace ordercast::websocketpp {

using net::ServerOptions;

template <class ServicesT = DefaultServices>
using Server = net::Server<Transport, ServicesT>;

}  // namespace ordercast::websocketpp
