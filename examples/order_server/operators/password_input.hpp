// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace order_server {

/// Reads a new password: on a terminal it asks twice without echo, otherwise it takes one line of
/// stdin. Throws std::runtime_error with a message for the operator if there is none or the two
/// differ.
[[nodiscard]] std::string ask_password();

}  // namespace order_server
