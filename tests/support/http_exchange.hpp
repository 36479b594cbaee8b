// SPDX-License-Identifier: MIT
#pragma once

#include "raw_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP requests and answers for tests, byte by byte as they ask for it.
namespace ordercast::test {

/// Header fields as (name, value) pairs.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// An HTTP answer; status 0 when none came.
struct HttpReply {
  int status = 0;
  std::string reason;
  Headers headers;
  std::string body;

  /// The first header of that name, compared without case; "" when absent.
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto lower = [](std::string_view text) {
      std::string out(text);
      for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      }
      return out;
    };
    for (const auto& [key, value] : headers) {
      if (lower(key) == lower(name)) return value;
    }
    return {};
  }
};

/// Reads one response. The body ends by Content-Length, else with the stream; answers to HEAD,
/// 1xx, 204 and 304 have none.
inline HttpReply read_http_reply(RawSocket& socket, bool to_head = false,
                                 Timeout timeout = default_timeout) {
  HttpReply reply;
  const auto head = socket.read_until("\r\n\r\n", timeout);
  if (!head || head->compare(0, 9, "HTTP/1.1 ") != 0) return reply;
  const auto first_end = head->find("\r\n");
  const int status = std::atoi(head->c_str() + 9);
  reply.reason = first_end > 13 ? head->substr(13, first_end - 13) : std::string{};
  for (auto at = first_end + 2; at + 2 < head->size();) {
    const auto end = head->find("\r\n", at);
    const auto colon = head->find(':', at);
    if (colon < end) {
      auto begin = colon + 1;
      while (begin < end && (*head)[begin] == ' ') ++begin;
      reply.headers.emplace_back(head->substr(at, colon - at), head->substr(begin, end - begin));
    }
    at = end + 2;
  }
  const bool bodiless = to_head || status < 200 || status == 204 || status == 304;
  if (!bodiless) {
    const auto length = reply.header("Content-Length");
    if (length.empty()) {
      reply.body = socket.read_to_end(timeout);
    } else {
      auto body = socket.read_exact(std::strtoul(length.c_str(), nullptr, 10), timeout);
      if (!body) return {};
      reply.body = std::move(*body);
    }
  }
  reply.status = status;
  return reply;
}

/// The text of a request. Content-Length is added when there is a body or the method usually has
/// one; `headers` are sent as they are.
inline std::string http_request_text(std::string_view method, std::string_view target,
                                     const Headers& headers = {}, std::string_view body = {}) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

/// One request on a connection of its own.
inline HttpReply http_request(const std::string& host, std::uint16_t port, std::string_view method,
                              std::string_view target, const Headers& headers = {},
                              std::string_view body = {}, Timeout timeout = default_timeout) {
  RawSocket socket;
  if (!socket.connect(host, port, timeout) ||
      !socket.send_bytes(http_request_text(method, target, headers, body), timeout)) {
    return {};
  }
  return read_http_reply(socket, method == "HEAD", timeout);
}

}  // namespace ordercast::test
