// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

/// Writes HTTP/1.1 responses (RFC 9112). websocketpp ends a connection after one response without
/// saying so, adds a body to the answer to HEAD, and folds repeated headers into one; so this
/// writes the whole response, and a transport only sends it. Thread-safe; O(size of the response).
namespace ordercast::net {

/// Returns the reason phrase of a status; "Unknown" for an uncommon one.
[[nodiscard]] constexpr std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

/// A client may wait for this before it sends a body (RFC 9110 section 15.2.1).
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

/// Writes the body, and the headers that describe it, of a transport's own answer (a refused
/// request, an unknown path, a handler that throws or is late). `message` is a sentence for people.
/// Any thread. May throw std::bad_alloc.
using ErrorFormat = void (*)(HttpResponse& response, std::string_view message);

/// Plain text.
inline void plain_error(HttpResponse& response, std::string_view message) {
  response.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
  response.body.assign(message).append("\n");
}

/// Returns a transport's own answer.
[[nodiscard]] inline HttpResponse error_response(int status, std::string_view message,
                                                 ErrorFormat format) {
  HttpResponse response;
  response.status = status;
  format(response, message);
  if (status == 426) {  // RFC 6455 section 4.4, RFC 9110 section 15.5.22
    response.headers.push_back({"Sec-WebSocket-Version", "13"});
    response.headers.push_back({"Upgrade", "websocket"});
  }
  return response;
}

/// The same with the status' name as the message.
[[nodiscard]] inline HttpResponse error_response(int status, ErrorFormat format = plain_error) {
  return error_response(status, reason_phrase(status), format);
}

/// Returns 503 with a Retry-After.
[[nodiscard]] inline HttpResponse unavailable_response(std::chrono::seconds retry_after,
                                                       ErrorFormat format = plain_error) {
  auto response = error_response(503, format);
  response.headers.push_back({"Retry-After", std::to_string(retry_after.count())});
  return response;
}

/// Refuses a plain request for a WebSocket's path, and names the missing header: the usual cause is
/// a proxy that does not forward it.
[[nodiscard]] inline HttpResponse upgrade_required(const HttpRequest& request,
                                                   ErrorFormat format = plain_error) {
  const bool has_upgrade = !request.header("Upgrade").empty();
  const std::string missing = has_upgrade ? "Connection: Upgrade" : "Upgrade: websocket";
  return error_response(426,
                        "This path is a WebSocket, but the request came without '" + missing +
                            "'. If a proxy stands in front, let it forward Upgrade and "
                            "Connection over HTTP/1.1",
                        format);
}

/// Returns false for a response that would break the framing: an invalid status, a header name that
/// is not a token, a value with a line break (RFC 9110 section 5.5), or a header that only the
/// transport may write.
[[nodiscard]] inline bool is_writable(const HttpResponse& response) noexcept {
  if (response.status < 200 || response.status > 599) return false;
  return std::all_of(response.headers.begin(), response.headers.end(), [](const HttpHeader& field) {
    const auto is_control = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && byte != '\t') || byte == 0x7F;
    };
    const auto ends_name = [&](char c) { return is_control(c) || c == ' ' || c == ':'; };
    return !field.name.empty() && std::none_of(field.name.begin(), field.name.end(), ends_name) &&
           std::none_of(field.value.begin(), field.value.end(), is_control) &&
           !iequals(field.name, "Transfer-Encoding");
  });
}

/// Returns a time in the format of RFC 9110 section 5.6.7. Does not use strftime, which depends on
/// the locale.
[[nodiscard]] inline std::string http_date(std::time_t now) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  const auto two = [](int value) {
    return std::string{static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  };
  return std::string(days[static_cast<std::size_t>(utc.tm_wday)]) + ", " + two(utc.tm_mday) + " " +
         months[static_cast<std::size_t>(utc.tm_mon)] + " " + std::to_string(1900 + utc.tm_year) +
         " " + two(utc.tm_hour) + ":" + two(utc.tm_min) + ":" + two(utc.tm_sec) + " GMT";
}

/// What happens to the connection after a response.
enum class AfterResponse : std::uint8_t { close, keep_alive };

/// The bytes of a response up to its body. Adds Date, Content-Length and, unless the connection
/// stays open, `Connection: close`. An answer to HEAD, a 204 and a 304 have no body. A response
/// that is not `is_writable` becomes a 500 in `format`. If `body_follows`, send
/// `response.content()` after it.
struct ResponseHead {
  std::string bytes;
  bool body_follows = false;
};

[[nodiscard]] inline ResponseHead write_head(const HttpResponse& response, bool to_head,
                                             std::time_t now,
                                             AfterResponse after = AfterResponse::close,
                                             ErrorFormat format = plain_error) {
  if (!is_writable(response)) {
    auto refusal = error_response(500, format);
    if (!is_writable(refusal)) refusal = error_response(500);
    auto head = write_head(refusal, to_head, now, after);
    if (std::exchange(head.body_follows, false)) head.bytes.append(refusal.body);
    return head;
  }
  const bool has_length = response.status != 204 && response.status != 304;
  std::string wire;
  wire.reserve(256);
  bool upgrade = false;
  wire.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  wire.append(reason_phrase(response.status)).append("\r\n");
  for (const auto& field : response.headers) {
    if (iequals(field.name, "Content-Length") || iequals(field.name, "Connection") ||
        iequals(field.name, "Date")) {
      continue;
    }
    wire.append(field.name).append(": ").append(field.value).append("\r\n");
    upgrade = upgrade || iequals(field.name, "Upgrade");
  }
  wire.append("Date: ").append(http_date(now)).append("\r\n");
  // Staying open is the default of HTTP/1.1 (RFC 9112 section 9.3) and needs no header.
  const bool closes = after == AfterResponse::close;
  if (closes) wire.append(upgrade ? "Connection: close, Upgrade\r\n" : "Connection: close\r\n");
  if (!closes && upgrade) wire.append("Connection: Upgrade\r\n");
  if (has_length) {
    wire.append("Content-Length: ")
        .append(std::to_string(response.content().size()))
        .append("\r\n");
  }
  wire.append("\r\n");
  return {std::move(wire), has_length && !to_head && !response.content().empty()};
}

/// Head and body in one piece.
[[nodiscard]] inline std::string write_response(const HttpResponse& response, bool to_head,
                                                std::time_t now,
                                                AfterResponse after = AfterResponse::close,
                                                ErrorFormat format = plain_error) {
  auto head = write_head(response, to_head, now, after, format);
  if (head.body_follows) head.bytes.append(response.content());
  return std::move(head.bytes);
}

}  // namespace ordercast::net
