// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"
#include "realtime/cluster.hpp"
#include "realtime/node_backplane.hpp"
#include "realtime/resync.hpp"
#include "serving/server.hpp"
#include "store/store.hpp"

#include <memory>

/// What a node needs to be one of several, made from the parts of the server.
namespace order_server {

/// Null without `--nats`. Throws where a file can't be read.
[[nodiscard]] std::unique_ptr<NodeBackplane> node_backplane(const Config& config);

/// Both must outlive the last call.
[[nodiscard]] ResyncWorld resync_world(RealtimeServer& server, Store& store);

}  // namespace order_server
