// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>

// clang-format off
#include <cstddef>  // Before Asio, which looks for what the standard library has.
// clang-format on

#include <asio/ip/address.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/// The address of a client, for limits by address and for logs.
///
/// Plain values; any thread; O(1).
///
///     const auto peer = net::ClientAddress::of_peer(fd);
///     if (peer) limiter.admit(peer->limit_key(), now);
namespace ordercast::net {

/// An IPv4 or IPv6 address without port or zone. An IPv4-mapped IPv6 address counts as IPv4.
class ClientAddress {
 public:
  /// Takes an Asio address without its zone.
  explicit ClientAddress(const ::asio::ip::address& address) {
    if (address.is_v4()) {
      set_v4(address.to_v4());
    } else if (const auto v6 = address.to_v6(); v6.is_v4_mapped()) {
      set_v4(::asio::ip::make_address_v4(::asio::ip::v4_mapped, v6));
    } else {
      bytes_ = v6.to_bytes();
    }
  }

  /// Returns the peer address of a socket; nullopt if the peer has disconnected, or has none.
  [[nodiscard]] static std::optional<ClientAddress> of_peer(int fd) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return std::nullopt;
    if (peer.ss_family == AF_INET) {
      const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&peer);
      return ClientAddress(::asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
    }
    if (peer.ss_family != AF_INET6) return std::nullopt;
    ::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(&peer)->sin6_addr,
                bytes.size());
    return ClientAddress(::asio::ip::address_v6(bytes));
  }

  /// The same as text; "" if there is none.
  [[nodiscard]] static std::string peer_text(int fd) {
    const auto peer = of_peer(fd);
    return peer ? peer->text() : std::string();
  }

  /// Reads a plain address: no port, brackets, zone or white space.
  [[nodiscard]] static std::optional<ClientAddress> parse(std::string_view text) {
    if (text.size() > longest || text.find('%') != std::string_view::npos) return std::nullopt;
    std::error_code error;
    const auto address = ::asio::ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    return ClientAddress(address);
  }

  /// Reads an address as proxies write it (RFC 7239 section 6, and common X-Forwarded-For forms):
  /// quotes, brackets, a zone and a port are optional. Returns nullopt for "unknown", an obfuscated
  /// name ("_hidden") and anything else without an address.
  [[nodiscard]] static std::optional<ClientAddress> parse_node(std::string_view text) {
    text = ordercast::detail::trim(text);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
      text = ordercast::detail::trim(text.substr(1, text.size() - 2));
    }
    std::string_view host = text;
    if (!text.empty() && text.front() == '[') {
      const auto end = text.find(']');
      if (end == std::string_view::npos || !is_port_or_nothing(text.substr(end + 1))) {
        return std::nullopt;
      }
      host = text.substr(1, end - 1);
      if (host.find(':') == std::string_view::npos) return std::nullopt;
    } else if (const auto colon = text.find(':');
               colon != std::string_view::npos &&
               text.find(':', colon + 1) == std::string_view::npos) {
      if (!is_port_or_nothing(text.substr(colon))) return std::nullopt;
      host = text.substr(0, colon);
    }
    return parse(host.substr(0, host.find('%')));
  }

  [[nodiscard]] bool is_v4() const noexcept { return is_v4_; }

  /// 127.0.0.0/8 or ::1.
  [[nodiscard]] bool is_loopback() const noexcept {
    if (is_v4_) return bytes_[0] == 127;
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](unsigned char c) { return c == 0; }) &&
           bytes_.back() == 1;
  }

  /// The same as an Asio address.
  [[nodiscard]] ::asio::ip::address address() const { return address_of(bytes_); }

  /// The address in canonical form (RFC 5952).
  [[nodiscard]] std::string text() const { return text_of(bytes_); }

  /// Returns the key for limits: an IPv4 address, or the /64 of an IPv6 address, which is the least
  /// that one customer gets (RFC 6177 section 2). IPv4 hosts behind NAT64 (RFC 6052 section 2.1)
  /// share a /64, but get separate keys.
  [[nodiscard]] std::string limit_key() const {
    if (is_v4_ || is_nat64()) return text();
    auto network = bytes_;
    std::fill(network.begin() + 8, network.end(), static_cast<unsigned char>(0));
    return text_of(network) + "/64";
  }

  /// Returns true if both are of one family and their first `bits` bits are equal.
  [[nodiscard]] bool shares_prefix(const ClientAddress& other, unsigned bits) const noexcept {
    if (is_v4_ != other.is_v4_) return false;
    for (std::size_t i = 0; bits > 0; ++i) {
      const unsigned count = (std::min)(bits, 8U);
      const unsigned mask = 0xFF00U >> count & 0xFFU;
      if (((bytes_[i] ^ other.bytes_[i]) & mask) != 0) return false;
      bits -= count;
    }
    return true;
  }

  friend bool operator==(const ClientAddress& a, const ClientAddress& b) noexcept {
    return a.is_v4_ == b.is_v4_ && a.bytes_ == b.bytes_;
  }
  friend bool operator!=(const ClientAddress& a, const ClientAddress& b) noexcept {
    return !(a == b);
  }

 private:
  using Bytes = std::array<unsigned char, 16>;

  static constexpr std::size_t longest = 45;  // Of an address in text.

  void set_v4(const ::asio::ip::address_v4& address) noexcept {
    is_v4_ = true;
    const auto four = address.to_bytes();
    std::copy(four.begin(), four.end(), bytes_.begin());
  }

  [[nodiscard]] bool is_nat64() const noexcept {
    constexpr std::array<unsigned char, 12> prefix{0, 0x64, 0xFF, 0x9B};
    return std::equal(prefix.begin(), prefix.end(), bytes_.begin());
  }

  [[nodiscard]] ::asio::ip::address address_of(const Bytes& bytes) const {
    if (!is_v4_) return ::asio::ip::address_v6(bytes);
    return ::asio::ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  }
  [[nodiscard]] std::string text_of(const Bytes& bytes) const {
    return address_of(bytes).to_string();
  }

  /// "", ":8080", or an obfuscated port, ":_name" (RFC 7239 section 6.3).
  static bool is_port_or_nothing(std::string_view text) noexcept {
    if (text.empty()) return true;
    if (text.front() != ':' || text.size() < 2) return false;
    text.remove_prefix(1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.front() != '_') {
      return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
    }
    return text.size() > 1 && std::all_of(text.begin() + 1, text.end(), [&](char c) {
             return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                    c == '_' || c == '-';
           });
  }

  Bytes bytes_{};  // Of IPv4 the first four.
  bool is_v4_ = false;
};

}  // namespace ordercast::net
