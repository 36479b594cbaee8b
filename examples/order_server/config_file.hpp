// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <istream>
#include <string>
#include <vector>

/// The file of `--config`: lines of name=value. Used at the start, before there are threads.
namespace order_server {

/// Reads a config file only if it can be read completely, and says what is wrong with it.
class ConfigFile : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  /// Says what is wrong with a file whose options have been read; "" if nothing is. Names the line
  /// or the option, and shows no more of a line than the name before its '='.
  [[nodiscard]] std::string complaint(const CLI::App& app,
                                      const std::vector<std::string>& arguments) const;

  /// Lets the options look at the values that flags override: a wrong one is a complaint as well.
  void check_overridden(CLI::App& app, const std::vector<std::string>& arguments) const;

  /// Says what is wrong with a file that could not be read as lines with names of options.
  [[nodiscard]] std::string complaint_of_lines(const CLI::App& app) const;

  /// What was read; "" before, and if it could not be.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  // CLI11 calls a const function once, from the thread that parses.
  mutable std::string text_;
  mutable std::vector<CLI::ConfigItem> items_;
};

}  // namespace order_server
