// SPDX-License-Identifier: MIT
#pragma once

#include "bystander.hpp"
#include "field.hpp"
#include "target.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

/// One attack on one server: quiet, attacked, quiet again, and what is left then.
namespace ordercast::bench {

struct SiegeOptions {
  std::string self;  ///< This program, for the attacker's process.
  std::string server = "build/release/order_server";
  std::string transport = "asio";
  std::string threads = "1";
  std::chrono::milliseconds phase{10'000};
  /// The attacker has the last processor for itself, as if it were another machine; the server and
  /// the bystander have the others, in every phase. Needs two processors.
  bool apart = false;
};

/// Runs it and says what came of it. Keys of the result: name, transport, holds, broken (what did
/// not hold), calm (no p99 doubled), and the figures.
[[nodiscard]] nlohmann::ordered_json lay_siege(const Attack& attack, const SiegeOptions& options);

/// The attacker's process: runs until the time is over, and prints what it did. `apart`: see
/// SiegeOptions.
int be_attacker(const Attack& attack, Field field, bool apart);

}  // namespace ordercast::bench
