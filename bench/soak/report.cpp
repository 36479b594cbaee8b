// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double width = 860;
constexpr double left = 70;
constexpr double right = 20;
constexpr double panel_height = 130;
constexpr double gap = 46;

std::string text(double value, int digits = 0) {
  char out[64];
  std::snprintf(out, sizeof out, "%.*f", digits, value);
  return out;
}

/// Rounds up to the next of 1, 2, 5, 10, ...
double round_up(double value) {
  double unit = 1;
  while (unit * 10 < value) unit *= 10;
  for (const double step : {1.0, 2.0, 5.0}) {
    if (unit * step >= value) return unit * step;
  }
  return unit * 10;
}

struct Line {
  const char* field;
  const char* color;
  const char* name;
};

/// One panel: lines over the time of the run, and a mark for each event.
void draw_panel(std::ostream& svg, const Json& report, double top, const char* title,
                const std::vector<Line>& lines) {
  const auto& timeline = report.at("timeline");
  const double end = std::max(1.0, timeline.empty() ? 1.0 : timeline.back().at("t").get<double>());
  double most = 1;
  for (const auto& point : timeline) {
    for (const auto& line : lines) most = std::max(most, point.at(line.field).get<double>());
  }
  most = round_up(most);
  const auto x = [&](double t) { return left + t / end * (width - left - right); };
  const auto y = [&](double v) { return top + panel_height * (1 - v / most); };
  svg << "<text class='title' x='" << left << "' y='" << top - 10 << "'>" << title << "</text>\n";
  double legend = width - right;
  for (auto line = lines.rbegin(); lines.size() > 1 && line != lines.rend(); ++line) {
    svg << "<text text-anchor='end' x='" << legend << "' y='" << top - 10 << "' fill='"
        << line->color << "'>" << line->name << "</text>\n";
    legend -= 60;
  }
  for (int i = 0; i <= 2; ++i) {
    const double value = most * i / 2;
    svg << "<line class='grid' x1='" << left << "' x2='" << width - right << "' y1='" << y(value)
        << "' y2='" << y(value) << "'/><text text-anchor='end' x='" << left - 8 << "' y='"
        << y(value) + 4 << "'>" << text(value, value < 1 && value > 0 ? 1 : 0) << "</text>\n";
  }
  for (const auto& event : report.at("events")) {
    const double at = x(event.at("t").get<double>());
    svg << "<line class='event' x1='" << at << "' x2='" << at << "' y1='" << top << "' y2='"
        << top + panel_height << "'/>\n";
  }
  for (const auto& line : lines) {
    svg << "<polyline stroke='" << line.color << "' points='";
    for (const auto& point : timeline) {
      svg << text(x(point.at("t").get<double>()), 1) << ","
          << text(y(point.at(line.field).get<double>()), 1) << " ";
    }
    svg << "'/>\n";
  }
}

void write_svg(const Json& report, std::ostream& svg) {
  const double height = 4 * (panel_height + gap) + 60;
  svg << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << " " << height
      << "' font-family='sans-serif' font-size='12' fill='#444'>\n<style>polyline{fill:none;"
         "stroke-width:1.6} .grid{stroke:#ddd} .event{stroke:#b33;stroke-dasharray:3 3} "
         ".title{font-size:13px;font-weight:bold}</style>\n<rect width='100%' height='100%' "
         "fill='#fff'/>\n";
  double top = 50;
  draw_panel(svg, report, top, "Clients connected", {{"open", "#2a6fb0", "open"}});
  for (const auto& event : report.at("events")) {
    const auto& timeline = report.at("timeline");
    const double end = std::max(1.0, timeline.back().at("t").get<double>());
    const double at = left + event.at("t").get<double>() / end * (width - left - right);
    svg << "<text fill='#b33' x='" << at + 4 << "' y='" << top + panel_height - 6 << "'>"
        << event.at("what").get<std::string>() << "</text>\n";
  }
  top += panel_height + gap;
  draw_panel(svg, report, top, "Updates delivered a second",
             {{"updates_per_second", "#2a6fb0", ""}});
  top += panel_height + gap;
  draw_panel(svg, report, top, "From the change to the client, ms",
             {{"p50_ms", "#2a6fb0", "p50"}, {"p99_ms", "#d98324", "p99"}});
  top += panel_height + gap;
  draw_panel(svg, report, top, "Resident memory of the server, MiB", {{"rss_mib", "#3a8f5c", ""}});
  svg << "<text text-anchor='middle' x='" << (width + left) / 2 << "' y='" << height - 14
      << "'>seconds: 0 to " << text(report.at("timeline").back().at("t").get<double>())
      << "</text>\n</svg>\n";
}

void write_markdown(const Json& report, std::ostream& md) {
  md << "# Soak and avalanche\n\nWritten by `bench/soak`; repeat it with `"
     << report.at("command").get<std::string>() << "`.\n\n![The run over time](soak.svg)\n\n"
     << "| | |\n|---|---|\n";
  for (const auto& [name, value] : report.at("summary").items()) {
    md << "| " << name << " | " << (value.is_string() ? value.get<std::string>() : value.dump())
       << " |\n";
  }
  md << "\n## Events\n\n";
  for (const auto& event : report.at("events")) {
    md << "- " << text(event.at("t").get<double>(), 1)
       << " s: " << event.at("detail").get<std::string>() << "\n";
  }
}

}  // namespace

void write_report(const Json& report, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "soak.json") << report.dump(1) << "\n";
  std::ofstream svg(folder / "soak.svg");
  write_svg(report, svg);
  std::ofstream md(folder / "soak.md");
  write_markdown(report, md);
}

}  // namespace ordercast::bench
