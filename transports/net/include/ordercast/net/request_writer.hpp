// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ordercast::net {

/// Writes a request in wire format (RFC 9112 section 3), so that a request parsed elsewhere can be
/// served here. The body is the request's `body`, however it was sent. Throws std::invalid_argument
/// for a request that can't be written: a blank in the method or target, a line break in a header.
/// O(size); any thread.
[[nodiscard]] inline std::string write_request(const HttpRequest& request) {
  const auto breaks = [](std::string_view text, std::string_view also) {
    return std::any_of(text.begin(), text.end(), [&](char c) {
      return c == '\r' || c == '\n' || c == '\0' || also.find(c) != std::string_view::npos;
    });
  };
  if (request.method.empty() || breaks(request.method, " \t") || request.target.empty() ||
      breaks(request.target, " \t")) {
    throw std::invalid_argument("A request's method or target is empty or has a blank");
  }
  std::string wire = request.method + ' ' + request.target + " HTTP/1.1\r\n";
  for (const auto& field : request.headers) {
    if (field.name.empty() || breaks(field.name, " \t:") || breaks(field.value, {})) {
      throw std::invalid_argument("A request's header has no name, or a line break");
    }
    if (iequals(field.name, "Transfer-Encoding") || iequals(field.name, "Content-Length")) continue;
    wire.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (!request.body.empty()) {
    wire.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  return wire.append("\r\n").append(request.body);
}

}  // namespace ordercast::net
