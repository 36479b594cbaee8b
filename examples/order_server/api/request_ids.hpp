// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <string>
#include <string_view>

/// What a request is called in logs. Pure but for the counter of new ids; any thread.
namespace order_server {

/// The client's `X-Request-Id` if it is 1 to 64 letters, digits, '.', '_' and '-'; otherwise a new
/// one, which no other request of this or another process has.
[[nodiscard]] std::string request_id_of(const ordercast::HttpRequest& request);

/// The trace of the request's `traceparent` (W3C Trace Context section 3.2): 32 lower-case
/// hexadecimal digits; "" if there is none or it is not valid.
[[nodiscard]] std::string trace_id_of(const ordercast::HttpRequest& request);

}  // namespace order_server
