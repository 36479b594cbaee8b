// SPDX-License-Identifier: MIT
#pragma once

#include "config_options.hpp"
#include "domain/printable.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace order_server {

/// Runs an operators' command: reads `words` into the options of `app`, then calls `act`, which may
/// throw CLI::ValidationError for options that don't go together. Returns the exit code: 0; 1 if
/// `act` throws anything else; 2 if the words are wrong. Writes the reason to `err`, after `name`.
inline int run_command_line(CLI::App& app, const std::string& name,
                            const std::vector<std::string>& words, const std::function<void()>& act,
                            std::FILE* out, std::FILE* err) {
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    act();
    return 0;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help("", CLI::AppFormatMode::All).c_str(), out);
    return 0;
  } catch (const CLI::Error& error) {
    std::fprintf(err, "%s: %s (--help lists all options)\n", name.c_str(),
                 one_line(complaint_of(error, app, words)).c_str());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(err, "%s: %s\n", name.c_str(), one_line(error.what()).c_str());
    return 1;
  }
}

}  // namespace order_server
