// SPDX-License-Identifier: MIT
#pragma once

/// The whole core, without `auth/jwt_authenticator.hpp` and the transports, which have further
/// dependencies.
#include <ordercast/backplane.hpp>
#include <ordercast/broadcast.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/connection_budget.hpp>
#include <ordercast/connection_manager.hpp>
#include <ordercast/error.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/json_codec.hpp>
#include <ordercast/limits.hpp>
#include <ordercast/outbox.hpp>
#include <ordercast/protocol.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/services.hpp>
#include <ordercast/session.hpp>
#include <ordercast/sharded.hpp>
#include <ordercast/subscription_registry.hpp>
#include <ordercast/types.hpp>
#include <ordercast/version.hpp>
