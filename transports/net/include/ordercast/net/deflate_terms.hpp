// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Negotiates permessage-deflate: Sec-WebSocket-Extensions (RFC 6455 section 9.1) with the
/// parameters of RFC 7692 section 7.1. Pure functions; linear in the field.
///
/// Neither side keeps anything from one message to the next (`no_context_takeover`), so that a
/// broadcast is compressed once for everybody and an idle connection keeps no window.
///
///     const auto terms = negotiate_deflate(request);
///     if (terms) headers.push_back({"Sec-WebSocket-Extensions", to_answer(terms)});
namespace ordercast::net {

/// Whether this program is compiled with zlib; without it no offer is accepted.
#ifdef ORDERCAST_HAS_ZLIB
inline constexpr bool has_deflate = true;
#else
inline constexpr bool has_deflate = false;
#endif

/// What was agreed on for one connection; false if nothing was.
struct DeflateTerms {
  /// Base-2 logarithm of the client's window, 8 to 15: no reference in our messages may reach
  /// farther back. 0: not agreed on.
  std::uint8_t window_bits = 0;
  /// The client named the window, so the answer must too.
  bool is_window_named = false;

  explicit operator bool() const noexcept { return window_bits != 0; }
};

/// The value of Sec-WebSocket-Extensions in the answer.
[[nodiscard]] inline std::string to_answer(const DeflateTerms& terms) {
  std::string answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  if (terms.is_window_named) {
    answer.append("; server_max_window_bits=").append(std::to_string(terms.window_bits));
  }
  return answer;
}

namespace detail {

/// Takes a field apart by the grammar of RFC 6455 section 9.1, with blanks between its parts.
class ExtensionReader {
 public:
  explicit ExtensionReader(std::string_view field) noexcept : rest_(field) { skip_blanks(); }

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  bool take(char wanted) noexcept {
    if (!next_is(wanted)) return false;
    rest_.remove_prefix(1);
    skip_blanks();
    return true;
  }
  [[nodiscard]] bool next_is(char wanted) const noexcept {
    return !rest_.empty() && rest_.front() == wanted;
  }

  /// Returns "" if no token is next.
  std::string_view take_token() noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const auto token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    skip_blanks();
    return token;
  }

  /// A token, bare or in quotes; nullopt if neither is next.
  std::optional<std::string> take_value() {
    std::string value;
    if (!next_is('"')) {
      value = take_token();
    } else {
      rest_.remove_prefix(1);
      while (!rest_.empty() && rest_.front() != '"') {
        if (rest_.front() == '\\') rest_.remove_prefix(1);
        if (rest_.empty() || !is_token_char(rest_.front())) return std::nullopt;
        value.push_back(rest_.front());
        rest_.remove_prefix(1);
      }
      if (!take('"')) return std::nullopt;
    }
    if (value.empty()) return std::nullopt;
    return value;
  }

 private:
  [[nodiscard]] static bool is_token_char(char c) noexcept {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  }
  void skip_blanks() noexcept {
    while (next_is(' ') || next_is('\t')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

/// One offer of permessage-deflate. A parameter that is unknown, given twice or has a bad value
/// declines it (RFC 7692 section 5.1).
class DeflateOffer {
 public:
  void add(std::string_view name, const std::optional<std::string>& value) noexcept {
    if (name == "server_no_context_takeover") {
      note(server_takeover_, !value);
    } else if (name == "client_no_context_takeover") {
      note(client_takeover_, !value);
    } else if (name == "server_max_window_bits") {
      note(server_window_, value && is_window(*value));
      if (value && is_window(*value)) terms_ = {to_bits(*value), true};
    } else if (name == "client_max_window_bits") {
      note(client_window_, !value || is_window(*value));  // We read every window.
    } else {
      is_good_ = false;
    }
  }

  [[nodiscard]] std::optional<DeflateTerms> terms() const noexcept {
    return is_good_ ? std::optional(terms_) : std::nullopt;
  }

 private:
  void note(bool& is_given, bool is_valid) noexcept {
    is_good_ = is_good_ && is_valid && !is_given;
    is_given = true;
  }
  /// 8 to 15, in decimal and without leading zeros (RFC 7692 section 7.1.2).
  [[nodiscard]] static bool is_window(std::string_view value) noexcept {
    return value == "8" || value == "9" ||
           (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5');
  }
  [[nodiscard]] static std::uint8_t to_bits(std::string_view window) noexcept {
    const auto digit = static_cast<unsigned>(window.back() - '0');
    return static_cast<std::uint8_t>(window.size() == 2 ? 10 + digit : digit);
  }

  DeflateTerms terms_{15, false};
  bool is_good_ = true;
  bool server_takeover_ = false;
  bool client_takeover_ = false;
  bool server_window_ = false;
  bool client_window_ = false;
};

/// The first good offer of one field. One that breaks the grammar ends there.
[[nodiscard]] inline DeflateTerms first_good_offer(std::string_view field) {
  ExtensionReader reader(field);
  for (;;) {
    while (reader.take(',')) {  // Elements of a list may be empty (RFC 9110 section 5.6.1.2).
    }
    const auto extension = reader.take_token();
    if (extension.empty()) return {};
    DeflateOffer offer;
    while (reader.take(';')) {
      const auto name = reader.take_token();
      if (name.empty()) return {};
      std::optional<std::string> value;
      if (reader.take('=')) {
        value = reader.take_value();
        if (!value) return {};
      }
      offer.add(name, value);
    }
    if (!reader.at_end() && !reader.next_is(',')) return {};
    const auto terms = offer.terms();
    if (terms && extension == "permessage-deflate") return *terms;
  }
}

}  // namespace detail

/// The terms of the first offer that can be accepted, over all fields of the handshake in their
/// order; false if there is none.
[[nodiscard]] inline DeflateTerms negotiate_deflate(const HttpRequest& request) {
  if (!has_deflate) return {};
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "Sec-WebSocket-Extensions")) continue;
    if (const auto terms = detail::first_good_offer(field.value)) return terms;
  }
  return {};
}

}  // namespace ordercast::net
