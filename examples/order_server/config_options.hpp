// SPDX-License-Identifier: MIT
#pragma once

#include "domain/shown_value.hpp"
#include "net/http_client.hpp"
#include <ordercast/handshake.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

/// Command-line options that state what they accept, in --help and in errors. Used at the start,
/// before there are threads.
namespace order_server {

/// Says what is wrong with a command line, without repeating text that may be a secret: an
/// unexpected argument can be a password or the contents of a file, so its place is told.
inline std::string complaint_of(const CLI::Error& error, const CLI::App& app,
                                const std::vector<std::string>& arguments) {
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string what = error.what();
    return what.substr(0, what.find(':')) + " needs a value";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  const auto unexpected = app.remaining(true);
  for (const auto& argument : unexpected) {
    if (argument.size() > 1 && argument[0] == '-') {
      return printable(argument.substr(0, argument.find('=')), 80) + " is not an option";
    }
  }
  const auto found = unexpected.empty()
                         ? arguments.end()
                         : std::find(arguments.begin(), arguments.end(), unexpected.front());
  return "argument " + std::to_string(found - arguments.begin() + 1) +
         " is an unexpected argument; options begin with --, and a value with spaces needs quotes";
}

/// Accepts decimal digits only. CLI11 alone would read 010 as 8 and 0x10 as 16.
inline CLI::Validator whole_number(std::int64_t least, std::int64_t most,
                                   const std::string& unit = {}) {
  const std::string range = "a whole number from " + std::to_string(least) + " to " +
                            std::to_string(most) + (unit.empty() ? "" : " (" + unit + ")");
  return CLI::Validator(
      [range, least, most](const std::string& text) -> std::string {
        std::int64_t value = 0;
        const auto* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        const auto digits = text.find_first_not_of('-');
        const bool is_octal = text.size() > 1 && digits != std::string::npos && text[digits] == '0';
        const bool good =
            error == std::errc{} && stop == end && !is_octal && value >= least && value <= most;
        return good ? "" : shown_value(text) + " is not allowed; allowed is " + range;
      },
      "");
}

/// Says why a file can't be read; "" if it can. Opens no pipe, which would wait for a writer.
inline std::string complaint_of_file(const std::string& name, bool may_be_device = false) {
  using std::filesystem::file_type;
  std::error_code error;
  const auto type = std::filesystem::status(name, error).type();
  const bool is_file =
      type == file_type::regular || (may_be_device && type == file_type::character);
  std::string why = error ? error.message() : "it is not a regular file";
  if (is_file) {
    errno = 0;
    if (std::ifstream(name).is_open()) return "";
    why = std::generic_category().message(errno);
  }
  return "the file " + shown_value(name) + " can't be read: " + why;
}

/// The same for --config, which may be /dev/null.
inline std::string complaint_of_config_file(const std::string& name) {
  return name.empty() ? "must not be empty" : complaint_of_file(name, true);
}

/// Says what is wrong with a file that should have a part "-----BEGIN ... `label`-----"; "" if it
/// has one.
inline std::string complaint_of_pem(const std::string& name, const std::string& label,
                                    const std::string& content) {
  if (auto wrong = complaint_of_file(name); !wrong.empty()) return wrong;
  std::ifstream in(name);
  const auto end = label + "-----";
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("-----BEGIN ", 0) == 0 && line.find(end) != std::string::npos) return "";
  }
  return "the file " + shown_value(name) + " has no " + content;
}

/// Adds options that state their default, range and unit in --help and in the complaint about a
/// wrong value. Such a value counts as the default, so that all that is wrong is found at once.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  /// The wrong values that have been given: "--port: 'x' is not allowed; allowed is ...".
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

  template <class T>
  void number(const std::string& name, T& target, std::int64_t least, std::int64_t most,
              const std::string& unit, const std::string& what) {
    const auto full_help = what + (unit.empty() ? "" : ", in " + unit) + "; " +
                           std::to_string(least) + " to " + std::to_string(most);
    add(name, target, std::to_string(static_cast<std::int64_t>(target)), full_help,
        whole_number(least, most, unit));
  }

  /// A duration in whole `Unit`s.
  template <class Unit>
  void duration(const std::string& name, Unit& target, std::int64_t least, std::int64_t most,
                const std::string& unit, const std::string& what) {
    auto& value = numbers_.emplace_back(std::make_unique<std::int64_t>(target.count()));
    number(name, *value, least, most, unit, what);
    finishers_.push_back([&target, from = value.get()] { target = Unit(*from); });
  }

  void text(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, target, what, [](const std::string& given) -> std::string {
      return given.empty() ? "must not be empty" : "";
    });
  }

  /// A folder that contains a file `content`.
  void folder(const std::string& name, std::string& target, const std::string& what,
              const std::string& content) {
    add(name, target, "none", what, [content](const std::string& given) -> std::string {
      std::error_code error;
      const bool good =
          std::filesystem::is_regular_file(std::filesystem::path(given) / content, error);
      return good ? "" : shown_value(given) + " contains no " + content;
    });
  }

  void file(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, "none", what,
        [](const std::string& given) { return complaint_of_file(given); });
  }

  /// A file with a part "-----BEGIN ... `label`-----", which `content` describes.
  void pem(const std::string& name, std::string& target, const std::string& label,
           const std::string& content, const std::string& what) {
    add(name, target, "none", what, [label, content](const std::string& given) {
      return complaint_of_pem(given, label, content);
    });
  }

  /// The URL of another service.
  void service_url(const std::string& name, std::string& target, const std::string& what) {
    add(name, target, target.empty() ? "none" : target, what,
        [](const std::string& given) -> std::string {
          if (is_service_url(given)) return "";
          return shown_value(given) +
                 " is not allowed; allowed is an https URL without user, password and trailing /, "
                 "with a port "
                 "from 1 to 65535 if it has one, or such an http URL on loopback";
        });
  }

  void choice(const std::string& name, std::string& target, const std::vector<std::string>& allowed,
              const std::string& what) {
    std::string names;
    for (const auto& entry : allowed) names.append(names.empty() ? "" : ", ").append(entry);
    add(name, target, target, what + "; one of " + names,
        [names, allowed](const std::string& given) -> std::string {
          const bool good = std::find(allowed.begin(), allowed.end(), given) != allowed.end();
          return good ? "" : shown_value(given) + " is not allowed; allowed are " + names;
        });
  }

  /// A list separated by commas. Ignores empty entries.
  template <class Check>
  void list(const std::string& name, std::vector<std::string>& target, const std::string& what,
            const std::string& allowed, Check good) {
    auto& text = texts_.emplace_back(std::make_unique<std::string>());
    add(name, *text, "none", what, [allowed, good](const std::string& given) -> std::string {
      for (const auto& entry : split(given)) {
        if (!good(entry)) return shown_value(entry) + " is not allowed; allowed is " + allowed;
      }
      return "";
    });
    finishers_.push_back([&target, from = text.get()] { target = split(*from); });
  }

  /// Copies the values into their targets.
  void finish() const {
    for (const auto& finisher : finishers_) finisher();
  }

 private:
  /// `complaint_of_value` says what is wrong with a value; "" if nothing is.
  template <class T, class Complaint>
  void add(const std::string& name, T& target, const std::string& fallback, const std::string& what,
           const Complaint& complaint_of_value) {
    std::string good;
    if constexpr (std::is_same_v<T, std::string>) {
      good = target;
    } else {
      good = std::to_string(static_cast<std::int64_t>(target));
    }
    app_.add_option(name, target, what + " [default: " + fallback + "]")
        ->option_text(" ")
        ->take_last()
        ->transform(CLI::Validator(
            [this, name, good, complaint_of_value](std::string& given) -> std::string {
              const std::string wrong = complaint_of_value(given);
              if (wrong.empty()) return "";
              complaints_.push_back(name + ": " + wrong);
              given = good;
              return "";
            },
            ""));
  }

  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> entries;
    while (!text.empty()) {
      const auto comma = text.find(',');
      const auto entry = ordercast::detail::trim(text.substr(0, comma));
      if (!entry.empty()) entries.emplace_back(entry);
      text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return entries;
  }

  CLI::App& app_;
  // CLI11 keeps pointers to these, so they must not move.
  std::vector<std::unique_ptr<std::int64_t>> numbers_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::function<void()>> finishers_;
  std::vector<std::string> complaints_;
};

}  // namespace order_server
