// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <string>
#include <vector>

/// Settings that come from the environment and from files only: a flag would show in the process
/// list. Used at the start, before there are threads.
namespace order_server {

/// The part of --help about them.
extern const char* const environment_help;

/// Reads the secrets. Returns an error message, without any secret, for each that can't be used.
[[nodiscard]] std::vector<std::string> read_secrets(Config& config, const Environment& environment);

}  // namespace order_server
