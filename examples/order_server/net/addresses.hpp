// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <string>
#include <string_view>
#include <vector>

/// Whom a request comes from, for limits by address. Pure functions; any thread.
namespace order_server {

/// Whether `text` is an IPv4 or IPv6 address, without port, zone or brackets.
[[nodiscard]] bool is_ip_address(std::string_view text) noexcept;

/// The address in one spelling, an IPv4 one mapped into IPv6 as plain IPv4; "" for no address.
[[nodiscard]] std::string normal_address(std::string_view text);

/// Whether the (normal) address is the machine's own: 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(std::string_view address) noexcept;

/// The client's normal address: the peer's, or, when the peer is one of `trusted` (normal
/// addresses), the last entry of X-Forwarded-For that no trusted proxy has added. Entries further
/// left are whatever the client wrote. "" when it is unknown.
[[nodiscard]] std::string client_address(const ordercast::HttpRequest& request,
                                         const std::vector<std::string>& trusted);

}  // namespace order_server
