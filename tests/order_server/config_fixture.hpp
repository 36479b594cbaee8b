// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The command line and the environment as tests give them.
namespace order_server {

using Variables = std::map<std::string, std::string>;

inline const Variables good_secrets{{"JWT_SECRET", std::string(32, 's')},
                                    {"RAZORPAY_KEY_SECRET", "r"}};

inline std::variant<Config, ConfigExit> parse(const std::vector<std::string>& arguments,
                                              const Variables& variables = good_secrets) {
  return parse_config(arguments, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

inline Config config_of(const std::vector<std::string>& arguments,
                        const Variables& variables = good_secrets) {
  auto parsed = parse(arguments, variables);
  if (const auto* end = std::get_if<ConfigExit>(&parsed)) FAIL(end->error);
  return std::get<Config>(parsed);
}

inline ConfigExit exit_of(const std::vector<std::string>& arguments,
                          const Variables& variables = good_secrets) {
  auto parsed = parse(arguments, variables);
  REQUIRE(std::holds_alternative<ConfigExit>(parsed));
  return std::get<ConfigExit>(parsed);
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace order_server
