// SPDX-License-Identifier: MIT
#pragma once

#include "domain/printable.hpp"

#include <cstddef>
#include <string>
#include <string_view>

/// Values of settings in messages.
namespace order_server {

/// Returns the value in quotes, without what may be a password: what stands before an '@', or all
/// if it holds "password=".
[[nodiscard]] inline std::string shown_value(std::string_view value) {
  constexpr std::size_t most = 80;
  if (value.find("password=") != std::string_view::npos) return "'...'";
  const auto at = value.rfind('@');
  if (at == std::string_view::npos) return "'" + printable(value, most) + "'";
  return "'..." + printable(value.substr(at), most) + "'";
}

}  // namespace order_server
