// SPDX-License-Identifier: MIT
#pragma once

#include "domain/printable.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>

namespace order_server {

/// The longest name of a user, organization, store or product.
inline constexpr std::size_t max_name_bytes = 200;
inline constexpr std::size_t max_phone_bytes = 32;

/// Accepts 1 to `most` bytes of printable text without a blank at either end: a blank there can't
/// be seen, but makes another organization.
inline CLI::Validator printable_text(std::size_t most) {
  return CLI::Validator(
      [most](const std::string& text) -> std::string {
        const bool good = !text.empty() && text.size() <= most &&
                          printable(text, text.size()) == text && text.front() != ' ' &&
                          text.back() != ' ';
        return good ? ""
                    : "must be 1 to " + std::to_string(most) +
                          " bytes of printable text, with no blank at its ends";
      },
      "");
}

}  // namespace order_server
