// SPDX-License-Identifier: MIT
#pragma once

#include <string>

/// Makes random ids that can't be guessed (libsodium's generator). Any thread.
namespace order_server {

/// A version 4 UUID in lower case (RFC 9562 section 5.4): 122 random bits.
[[nodiscard]] std::string random_uuid();

/// An id in the form of Razorpay's ("order_" and 14 letters or digits), for orders that Razorpay
/// does not know.
[[nodiscard]] std::string random_razorpay_order_id();

}  // namespace order_server
