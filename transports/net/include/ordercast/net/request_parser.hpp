// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/chunked_decoder.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

/// A strict HTTP/1.1 request parser (RFC 9112) that also checks a WebSocket handshake (RFC 6455
/// section 4.2.1). It replaces websocketpp's own, which reads a chunked body as empty and a bad
/// Content-Length as 0. Refuses anything ambiguous: request smuggling relies on two servers that
/// read the same bytes differently.
///
/// No I/O. One thread at a time. O(bytes of the request).
namespace ordercast::net {

struct RequestLimits {
  std::size_t max_head_bytes = 16 * 1024;
  std::size_t max_body_bytes = 64 * 1024;
};

class RequestParser {
 public:
  static constexpr std::size_t max_header_fields = 100;

  explicit RequestParser(RequestLimits limits = {}) : limits_(limits) {}

  /// Takes bytes as they come and returns how many belong to this request. Takes no more once the
  /// request is complete or refused.
  std::size_t consume(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !complete() && !refused()) {
      taken += in_body_ ? take_body(bytes.substr(taken)) : take_head(bytes.substr(taken));
    }
    return taken;
  }

  [[nodiscard]] bool complete() const noexcept {
    return in_body_ && (chunked_ ? chunks_.complete() : request_.body.size() == body_bytes_);
  }
  /// Returns true once, if the client waits for an interim answer before it sends the body.
  [[nodiscard]] bool take_continue() noexcept {
    const bool waits = in_body_ && !complete() && !refused();
    return waits && std::exchange(expects_continue_, false);
  }
  /// Returns true while the rest of a body is due.
  [[nodiscard]] bool in_body() const noexcept { return in_body_ && !complete() && !refused(); }
  /// Bytes of the request so far; about its size in memory.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return head_.size() + head_bytes_ + request_.body.size();
  }
  /// The status with which to refuse the request; 0 if there is no reason to.
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] bool refused() const noexcept { return status_ != 0; }
  /// Returns true for a valid WebSocket handshake; an invalid one is refused.
  [[nodiscard]] bool is_handshake() const noexcept { return is_handshake_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  /// Returns true if the client wants to keep the connection (RFC 9112 section 9.3).
  [[nodiscard]] bool keep_alive() const noexcept {
    return version_ == "HTTP/1.1" && !has_element("Connection", "close");
  }
  /// Returns true before the first byte of the request.
  [[nodiscard]] bool untouched() const noexcept { return head_.empty() && !in_body_ && !refused(); }
  [[nodiscard]] HttpRequest& request() noexcept { return request_; }
  [[nodiscard]] const HttpRequest& request() const noexcept { return request_; }

 private:
  void refuse(int status) noexcept {
    if (status_ == 0) status_ = status;
  }

  /// Skips empty lines before the request line (RFC 9112 section 2.2); true when nothing is left.
  bool request_line_pending() {
    std::size_t blank = 0;
    while (head_.compare(blank, 2, "\r\n") == 0) blank += 2;
    head_.erase(0, blank);
    return head_.empty() || head_ == "\r";
  }

  /// Takes bytes up to the end of the head, and hardly any after it.
  std::size_t take_head(std::string_view bytes) {
    // The end may straddle two reads, so the search starts a little before the new bytes.
    const auto search_from = head_.size() < 3 ? 0 : head_.size() - 3;
    // Bytes after the end are not ours; there may be many.
    const auto blank = bytes.find("\r\n\r\n");
    const auto head = blank == std::string_view::npos ? bytes : bytes.substr(0, blank + 4);
    head_.append(head);
    if (request_line_pending()) return head.size();
    const auto end = head_.find("\r\n\r\n", search_from);
    // Up to three bytes of the end may have come already: they don't count, however it is split.
    const auto head_bytes = end != std::string::npos ? end : head_.size() - 3;
    if (head_.size() > limits_.max_head_bytes && head_bytes > limits_.max_head_bytes) {
      refuse(431);
    } else if (end != std::string::npos) {
      const auto surplus = head_.size() - (end + 4);
      parse_head(std::string_view(head_).substr(0, end + 2));
      head_bytes_ = end + 4;
      head_ = {};
      in_body_ = !refused();
      return refused() ? bytes.size() : head.size() - surplus;
    }
    return head.size();
  }

  std::size_t take_body(std::string_view bytes) {
    expects_continue_ = false;  // A client that sends the body does not wait.
    if (chunked_) {
      const auto used = chunks_.consume(bytes, request_.body);
      if (chunks_.status() != 0) refuse(chunks_.status());
      return used;
    }
    const auto taken = (std::min)(bytes.size(), body_bytes_ - request_.body.size());
    request_.body.append(bytes.substr(0, taken));
    return taken;
  }

  void parse_head(std::string_view head) {
    parse_request_line(next_line(head));
    while (!refused() && !head.empty()) parse_field(next_line(head));
    if (!refused()) check_framing();
    if (!refused()) check_handshake();
  }

  static std::string_view next_line(std::string_view& head) noexcept {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    return line;
  }

  void parse_request_line(std::string_view line) {
    const auto method_end = line.find(' ');
    const auto target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || method_end == target_end) return refuse(400);
    const auto method = line.substr(0, method_end);
    const auto target = line.substr(method_end + 1, target_end - method_end - 1);
    const auto version = line.substr(target_end + 1);
    if (!is_token(method) || !is_visible(target) || version.substr(0, 5) != "HTTP/") {
      return refuse(400);
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(505);
    request_.method = method;
    version_ = version;
    set_target(target);
  }

  /// Origin form, the asterisk, or the absolute form that proxies send, which loses its authority:
  /// check_framing holds it against Host (RFC 9112 section 3.2.2).
  void set_target(std::string_view target) {
    const auto scheme_end = target.find("://");
    if (target.front() != '/' && scheme_end != std::string_view::npos) {
      const auto scheme = target.substr(0, scheme_end);
      if (!iequals(scheme, "http") && !iequals(scheme, "https")) return refuse(400);
      const auto path = target.find_first_of("/?", scheme_end + 3);
      const auto authority = target.substr(scheme_end + 3, path - (scheme_end + 3));
      if (!is_authority(authority)) return refuse(400);
      default_port_ = iequals(scheme, "http") ? ":80" : ":443";
      authority_ = authority;
      target = path == std::string_view::npos ? std::string_view{} : target.substr(path);
      if (target.empty() || target.front() == '?') request_.target = "/";
      request_.target.append(target);
    } else if (target.front() == '/' || target == "*") {
      request_.target = target;
    } else {
      refuse(400);
    }
  }

  void parse_field(std::string_view line) {
    // A line that starts with white space continues the one before it (obs-fold); white space
    // before the colon hides a name from other servers. Neither name is a token, so both end here.
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return refuse(400);
    const auto value = ordercast::detail::trim(line.substr(colon + 1));
    if (!is_field_value(value)) return refuse(400);
    if (request_.headers.size() == max_header_fields) return refuse(431);
    request_.headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
  }

  /// Where the body ends (RFC 9112 section 6.3).
  void check_framing() {
    const auto lengths = count("Content-Length");
    const auto encodings = count("Transfer-Encoding");
    const bool one_host = count("Host") == 1 && is_host(request_.header("Host"));
    if (!one_host && (version_ == "HTTP/1.1" || count("Host") > 0)) return refuse(400);
    if (!authority_.empty() && !one_host) {
      request_.headers.push_back({"Host", authority_});
    } else if (!authority_.empty() && !iequals(without_default_port(request_.header("Host")),
                                               without_default_port(authority_))) {
      return refuse(400);
    }
    if (lengths > 1 || (lengths > 0 && encodings > 0)) return refuse(400);
    // These are not lists: with two of them, different servers might use different ones (RFC 9110
    // section 5.3).
    for (const char* const name : {"Authorization", "Content-Type", "Origin"}) {
      if (count(name) > 1) return refuse(400);
    }
    if (encodings > 0) {
      // HTTP/1.0 has no transfer codings: another server may have read this differently (section
      // 6.1).
      if (encodings > 1 || version_ == "HTTP/1.0") return refuse(400);
      if (!iequals(request_.header("Transfer-Encoding"), "chunked")) return refuse(501);
      chunked_ = true;
      chunks_ = ChunkedDecoder(limits_.max_body_bytes, limits_.max_head_bytes);
    }
    if (lengths == 1) {
      const auto length = request_.header("Content-Length");
      if (length.empty() || !all_of(length, [](char c) { return c >= '0' && c <= '9'; })) {
        return refuse(400);
      }
      for (const char digit : length) {
        body_bytes_ = body_bytes_ * 10 + static_cast<std::size_t>(digit - '0');
        if (body_bytes_ > limits_.max_body_bytes) return refuse(413);
      }
      request_.body.reserve(body_bytes_);
    }
    // HTTP/1.0 clients can't use it (RFC 9110 section 10.1.1).
    if (count("Expect") == 0 || version_ == "HTTP/1.0") return;
    if (count("Expect") > 1 || !iequals(request_.header("Expect"), "100-continue")) {
      return refuse(417);
    }
    expects_continue_ = true;
  }

  void check_handshake() {
    if (!has_element("Upgrade", "websocket") || !has_element("Connection", "upgrade")) return;
    if (request_.method != "GET" || version_ != "HTTP/1.1" || body_bytes_ > 0 || chunked_) {
      return refuse(400);
    }
    if (count("Sec-WebSocket-Version") != 1 || request_.header("Sec-WebSocket-Version") != "13") {
      return refuse(426);
    }
    if (count("Sec-WebSocket-Key") != 1 || !is_key(request_.header("Sec-WebSocket-Key"))) {
      return refuse(400);
    }
    is_handshake_ = true;
  }

  [[nodiscard]] std::size_t count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(request_.headers.begin(), request_.headers.end(),
                      [&](const HttpHeader& field) { return iequals(field.name, name); }));
  }

  [[nodiscard]] bool has_element(std::string_view name, std::string_view element) const noexcept {
    return std::any_of(
        request_.headers.begin(), request_.headers.end(), [&](const HttpHeader& field) {
          return iequals(field.name, name) &&
                 ordercast::detail::any_element(
                     field.value, [&](std::string_view one) { return iequals(one, element); });
        });
  }

  template <class Predicate>
  static bool all_of(std::string_view text, Predicate predicate) noexcept {
    return std::all_of(text.begin(), text.end(), predicate);
  }
  static bool is_alnum(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  static bool is_token(std::string_view text) noexcept {
    return !text.empty() && all_of(text, [](char c) {
      return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
  }
  static bool is_visible_or_empty(std::string_view text) noexcept {
    return all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  }
  static bool is_visible(std::string_view text) noexcept {
    return !text.empty() && is_visible_or_empty(text);
  }
  /// A name or address, and perhaps a port (RFC 9110 section 7.2). Empty for a target that has
  /// none.
  static bool is_host(std::string_view host) noexcept {
    const auto address_end = host.substr(0, 1) == "[" ? host.find(']') : 0;
    if (address_end == std::string_view::npos) return false;
    const auto colon = host.find(':', address_end);
    return is_visible_or_empty(host) &&
           (colon == std::string_view::npos ||
            all_of(host.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; }));
  }
  /// A host, and perhaps a port, without user and password (RFC 9110 section 4.2.4).
  static bool is_authority(std::string_view text) noexcept {
    return !text.empty() && text.front() != ':' && is_host(text) &&
           text.find_first_of("@#\\") == std::string_view::npos;
  }
  [[nodiscard]] std::string_view without_default_port(std::string_view host) const noexcept {
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    const auto port = host.substr(colon);
    return port == ":" || port == default_port_ ? host.substr(0, colon) : host;
  }
  static bool is_field_value(std::string_view text) noexcept {
    return all_of(text, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    });
  }
  /// 16 bytes in base64.
  static bool is_key(std::string_view key) noexcept {
    return key.size() == 24 && key.substr(22) == "==" &&
           all_of(key.substr(0, 22), [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
  }

  RequestLimits limits_;
  HttpRequest request_;
  std::string version_;
  std::string authority_;          ///< Of a target in absolute form.
  std::string_view default_port_;  ///< Of that target's scheme, after a colon.
  std::string head_;
  std::size_t head_bytes_ = 0;  ///< Of a head that has been parsed.
  std::size_t body_bytes_ = 0;
  int status_ = 0;
  bool in_body_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
  ChunkedDecoder chunks_;
  bool is_handshake_ = false;
};

}  // namespace ordercast::net
