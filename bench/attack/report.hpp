// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

/// Writes the results of a run of attacks.
namespace ordercast::bench {

/// Returns one line for the terminal.
[[nodiscard]] std::string line_of(const nlohmann::ordered_json& siege);

/// Writes attack.json and attack.md, a table, into `folder`.
void write_attack_report(const nlohmann::ordered_json& sieges, const std::filesystem::path& folder);

}  // namespace ordercast::bench
