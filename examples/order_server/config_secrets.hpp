// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <string>

/// What the server is told by its environment and by files alone: a flag would show in the process
/// list. Used at the start, before there are threads.
namespace order_server {

/// What --help says of it.
extern const char* const environment_help;

/// Reads the secrets; an error message, which shows none, when one can't be used.
[[nodiscard]] std::string read_secrets(Config& config, const Environment& environment);

}  // namespace order_server
