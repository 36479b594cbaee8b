// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>

/// Writes the report of a soak.
namespace ordercast::bench {

/// Writes soak.json, soak.md for readers and soak.svg with the figures over time into `folder`.
void write_report(const nlohmann::ordered_json& report, const std::filesystem::path& folder);

}  // namespace ordercast::bench
