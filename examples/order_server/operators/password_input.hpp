// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace order_server {

/// Asks for a new password: twice and without an echo on a terminal, else one line of stdin. Throws
/// std::runtime_error, with a message for the operator, if there is none or the two differ.
[[nodiscard]] std::string ask_password();

}  // namespace order_server
