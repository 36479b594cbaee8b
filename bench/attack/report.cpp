// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "bystander.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double value, int digits) {
  char out[32];
  std::snprintf(out, sizeof out, "%.*f", digits, value);
  return out;
}

double p99(const Json& siege, const char* phase, const char* probe) {
  return siege.contains(phase) ? siege.at(phase).at(probe).at("p99_ms").get<double>() : 0;
}

std::string verdict(const Json& siege) {
  std::string text;
  for (const auto& broken : siege.at("broken")) {
    text += (text.empty() ? "BROKEN: " : "; ") + broken.get<std::string>();
  }
  if (!text.empty()) return text;
  return siege.at("calm").get<bool>() ? "holds" : "holds, slower";
}

}  // namespace

std::string line_of(const Json& siege) {
  std::ostringstream line;
  line << siege.at("name").get<std::string>() << " (" << siege.at("transport").get<std::string>()
       << "): " << verdict(siege) << "; p99 x";
  for (const auto& [name, ratio] : siege.at("p99_ratios").items()) {
    line << " " << name << " " << number(ratio.get<double>(), 2) << " ("
         << number(p99(siege, "attacked", name.c_str()), 1) << " ms)";
  }
  const auto& attacked = siege.at("attacked");
  line << "; server cpu " << number(attacked.at("server_cpu").get<double>(), 2) << ", busy "
       << number(siege.at("before").at("machine_busy").get<double>(), 2) << "/"
       << number(attacked.at("machine_busy").get<double>(), 2) << "; most RSS "
       << number(siege.at("most_rss_mib").get<double>(), 0) << " MiB";
  for (const auto* probe : probe_names) {
    const auto failed = attacked.at(probe).at("failed").get<std::uint64_t>();
    if (failed != 0) line << "; " << failed << " " << probe << " failed";
  }
  if (siege.contains("recovered_after_s")) {
    line << "; recovered after " << number(siege.at("recovered_after_s").get<double>(), 1) << " s";
  }
  if (siege.contains("did")) line << "; did: " << siege.at("did").get<std::string>();
  return line.str();
}

void write_attack_report(const Json& sieges, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "attack.json") << sieges.dump(1) << "\n";
  std::ofstream md(folder / "attack.md");
  md << "# Attacks\n\np99 of the bystander in ms: undisturbed (the worse of before and after) -> "
        "attacked.\n\n| attack | transport |";
  for (const auto* probe : probe_names) md << " " << probe << " |";
  md << " worst ratio | RSS before, most, after (MiB) | verdict |\n|---|---|";
  for (std::size_t i = 0; i < probe_names.size() + 3; ++i) md << "---|";
  md << "\n";
  for (const auto& siege : sieges) {
    md << "| " << siege.at("name").get<std::string>() << " | "
       << siege.at("transport").get<std::string>() << " |";
    for (const auto* probe : probe_names) {
      md << " " << number(std::max(p99(siege, "before", probe), p99(siege, "after", probe)), 1)
         << " -> " << number(p99(siege, "attacked", probe), 1) << " |";
    }
    md << " " << number(siege.at("worst_ratio").get<double>(), 1) << " | ";
    if (siege.contains("held_before")) {
      md << number(siege.at("held_before").at("rss_mib").get<double>(), 0) << ", "
         << number(siege.at("most_rss_mib").get<double>(), 0) << ", "
         << number(siege.at("held_after").at("rss_mib").get<double>(), 0);
    }
    md << " | " << verdict(siege) << " |\n";
  }
  md << "\n## Actions\n\n";
  for (const auto& siege : sieges) {
    md << "- **" << siege.at("name").get<std::string>() << "** ("
       << siege.at("transport").get<std::string>() << "): " << siege.at("what").get<std::string>();
    if (siege.contains("did")) md << " Counts: " << siege.at("did").get<std::string>() << ".";
    md << "\n";
  }
}

}  // namespace ordercast::bench
