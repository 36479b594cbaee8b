// SPDX-License-Identifier: MIT
#pragma once

#include "domain/printable.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>

namespace order_server {

/// Names of users, organizations, stores and products.
inline constexpr std::size_t max_name_bytes = 200;

/// Accepts 1 to `most` bytes that print as they are, with no blank at either end: nobody sees one,
/// and an organization with it is another organization.
inline CLI::Validator printable_text(std::size_t most) {
  return CLI::Validator(
      [most](const std::string& text) -> std::string {
        const bool good =
            !text.empty() && text.size() <= most && printable(text, text.size()) == text &&
            text.front() != ' ' && text.back() != ' ';
        return good ? ""
                    : "must be 1 to " + std::to_string(most) +
                          " bytes of printable text, with no blank at its ends";
      },
      "");
}

}  // namespace order_server
