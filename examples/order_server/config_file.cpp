// SPDX-License-Identifier: MIT
#include "config_file.hpp"

#include "config_options.hpp"
#include "domain/printable.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace order_server {
namespace {

constexpr std::size_t max_config_bytes = 64 * std::size_t{1024};

/// Puts quotes around values with commas: CLI11 would split them, and no option takes an array.
std::string with_quoted_lists(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + '\n') {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string value(ordercast::detail::trim(std::string_view(line).substr(equals + 1)));
    if (value.find(',') == std::string::npos || value.front() == '[' ||
        value.find_first_of("\"'\\") != std::string::npos) {
      continue;
    }
    line.resize(equals + 1);
    line += '"' + value + '"';
  }
  return out;
}

/// Names the first line of the config file that sets no option; "" if every line does, or if there
/// is no file. The line may hold a secret, so the message repeats only the name before the '='.
std::string wrong_line_of_file(const CLI::App& app, const ConfigFile& read) {
  if (read.text().empty()) return {};
  const auto file = app.get_config_ptr()->as<std::string>();
  std::istringstream lines(read.text());
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto text = ordercast::detail::trim(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    const auto equals = text.find('=');
    const auto name = std::string(ordercast::detail::trim(text.substr(0, equals)));
    if (equals != std::string_view::npos && !name.empty() && name[0] != '-' &&
        app.get_option_no_throw("--" + name) != nullptr) {
      continue;
    }
    const bool is_dressed = !name.empty() && (name[0] == '-' || name[0] == '"');
    const auto what = equals == std::string_view::npos || name.empty()
                          ? ": expected name=value, with the name of an option"
                          : ": '" + printable(name.substr(0, 40)) +
                                "' is not the name of an option" +
                                (is_dressed ? "; write it without dashes and quotes" : "");
    return "--config: " + file + ", line " + std::to_string(number) + what;
  }
  return {};
}

bool is_given(const std::string& name, const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const auto& given) {
    return given == name || given.rfind(name + "=", 0) == 0;
  });
}

/// Names an option to which a config file gives more than one value: unquoted words, or a second
/// line. On the command line the last value counts; scripts that append options rely on it.
std::string ambiguous_value(const CLI::App& app, const std::vector<std::string>& arguments) {
  for (const auto* option : app.get_options()) {
    if (option->count() < 2) continue;
    const auto name = option->get_name();
    if (!is_given(name, arguments)) {
      return name +
             ": the config file gives it more than one value; put quotes around a value with "
             "spaces, and give each option once";
    }
  }
  return {};
}

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  std::string text(max_config_bytes + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > max_config_bytes) {
    throw CLI::FileError("--config: the file is longer than 64 KiB");
  }
  if (!input.eof()) throw CLI::FileError("--config: the file can't be read to its end");
  text_ = text;
  std::istringstream lines(with_quoted_lists(text));
  items_ = CLI::ConfigTOML::from_config(lines);
  return items_;
}

std::string ConfigFile::complaint(const CLI::App& app,
                                  const std::vector<std::string>& arguments) const {
  // CLI11 skips a line whose name it can't make sense of.
  if (auto wrong = wrong_line_of_file(app, *this); !wrong.empty()) return wrong;
  return ambiguous_value(app, arguments);
}

void ConfigFile::check_overridden(CLI::App& app, const std::vector<std::string>& arguments) const {
  for (const auto& item : items_) {
    auto* option = app.get_option_no_throw("--" + item.name);
    if (option == nullptr || !is_given(option->get_name(), arguments)) continue;
    for (auto value : item.inputs) static_cast<void>((*option->get_validator(0))(value));
  }
}

std::string ConfigFile::complaint_of_lines(const CLI::App& app) const {
  auto wrong = wrong_line_of_file(app, *this);
  if (!wrong.empty()) return wrong;
  return "--config: " + app.get_config_ptr()->as<std::string>() +
         " is not lines of name=value with names of options";
}

}  // namespace order_server
