// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>

// clang-format off
#include <cstddef>  // Before Asio, which looks for what the standard library has.
// clang-format on

#include <asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Whom a request comes from: the one notion of a client that every limit by address uses, with the
/// proxies in front of the server taken into account.
///
/// Pure functions and plain values; any thread. Linear in the headers.
///
///     std::string wrong;
///     const auto trusted = net::AddressList::parse("10.0.0.0/8, 2001:db8::1", wrong);
///     const auto client = net::client_of(request, *trusted);
///     limiter.admit(client.limit_key(), now);
namespace ordercast::net {

/// An IPv4 or IPv6 address without port or zone. An IPv4 one that is mapped into IPv6 is IPv4.
class ClientAddress {
 public:
  /// Takes an address of Asio's; its zone is dropped.
  explicit ClientAddress(const ::asio::ip::address& address) {
    if (address.is_v4()) {
      set_v4(address.to_v4());
    } else if (const auto v6 = address.to_v6(); v6.is_v4_mapped()) {
      set_v4(::asio::ip::make_address_v4(::asio::ip::v4_mapped, v6));
    } else {
      bytes_ = v6.to_bytes();
    }
  }

  /// Reads the bare address: no port, brackets, zone or white space.
  [[nodiscard]] static std::optional<ClientAddress> parse(std::string_view text) {
    if (text.size() > longest || text.find('%') != std::string_view::npos) return std::nullopt;
    std::error_code error;
    const auto address = ::asio::ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    return ClientAddress(address);
  }

  /// Reads what a proxy writes for the one it forwards for (RFC 7239 section 6, and the habits of
  /// X-Forwarded-For): quotes, brackets, a zone and a port, all optional. nullopt for "unknown", an
  /// obfuscated name ("_hidden") and anything else that names no address.
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

  /// The same as an address of Asio's.
  [[nodiscard]] ::asio::ip::address address() const { return address_of(bytes_); }

  /// The address in one spelling (RFC 5952).
  [[nodiscard]] std::string text() const { return text_of(bytes_); }

  /// What one client's addresses have in common: an IPv4 address, the /64 of an IPv6 one, which is
  /// the least that a network gives to one customer (RFC 6177 section 2). The IPv4 hosts behind
  /// NAT64 (RFC 6052 section 2.1) share a /64, and are told apart.
  [[nodiscard]] std::string limit_key() const {
    if (is_v4_ || is_nat64()) return text();
    auto network = bytes_;
    std::fill(network.begin() + 8, network.end(), static_cast<unsigned char>(0));
    return text_of(network) + "/64";
  }

  /// Whether the first `bits` bits are those of `other`, and both are of one family.
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

/// Addresses and networks, as an operator writes them.
class AddressList {
 public:
  AddressList() = default;

  /// Reads addresses and CIDR networks that commas separate, with or without blanks: "10.0.0.1,
  /// 192.168.0.0/16, fd00::/8". Bits behind the prefix don't matter. nullopt if an entry is none;
  /// `wrong` is that entry then.
  [[nodiscard]] static std::optional<AddressList> parse(std::string_view text, std::string& wrong) {
    AddressList list;
    if (ordercast::detail::trim(text).empty()) return list;
    for (;;) {
      const auto comma = text.find(',');
      const auto entry = ordercast::detail::trim(text.substr(0, comma));
      if (!list.add(entry)) {
        wrong = entry;
        return std::nullopt;
      }
      if (comma == std::string_view::npos) return list;
      text.remove_prefix(comma + 1);
    }
  }

  /// Adds one address or network; false if `entry` is neither.
  bool add(std::string_view entry) {
    const auto slash = entry.find('/');
    const auto address = ClientAddress::parse(entry.substr(0, slash));
    if (!address) return false;
    const bool mapped =
        address->is_v4() && entry.substr(0, slash).find(':') != std::string_view::npos;
    unsigned bits = mapped || !address->is_v4() ? 128 : 32;
    if (slash != std::string_view::npos) {
      const auto digits = entry.substr(slash + 1);
      if (digits.empty() || digits.size() > 3) return false;
      unsigned prefix = 0;
      for (const char c : digits) {
        if (c < '0' || c > '9') return false;
        prefix = prefix * 10 + static_cast<unsigned>(c - '0');
      }
      if (prefix > bits) return false;
      bits = prefix;
    }
    if (mapped && bits < 96) return false;  // Half of it would be IPv4 and half not.
    networks_.push_back({*address, mapped ? bits - 96 : bits});
    return true;
  }

  [[nodiscard]] bool contains(const ClientAddress& address) const noexcept {
    return std::any_of(networks_.begin(), networks_.end(), [&](const Network& one) {
      return one.address.shares_prefix(address, one.bits);
    });
  }
  [[nodiscard]] bool empty() const noexcept { return networks_.empty(); }

 private:
  struct Network {
    ClientAddress address;
    unsigned bits;
  };
  std::vector<Network> networks_;
};

/// The client of a request, and how it reached the outermost trusted proxy.
struct Client {
  std::optional<ClientAddress> address;  ///< nullopt if unknown: a socket that has gone.
  std::string scheme;  ///< "http" or "https", in lower case; "" if no trusted proxy says it.
  std::string host;    ///< Host, perhaps with port; "" if no trusted proxy says it.

  [[nodiscard]] std::string text() const { return address ? address->text() : std::string(); }
  /// "" for an unknown address: all of those share one limit.
  [[nodiscard]] std::string limit_key() const {
    return address ? address->limit_key() : std::string();
  }
};

namespace detail {

/// One element of a Forwarded or X-Forwarded-For list. What is not there is empty.
struct ForwardedHop {
  std::optional<ClientAddress> address;
  std::string scheme;
  std::string host;
};

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Only what is a scheme here; anything else as if it were not said.
inline std::string scheme_of(std::string_view text) {
  auto scheme = lower(ordercast::detail::trim(text));
  return scheme == "http" || scheme == "https" ? scheme : std::string();
}

/// Reads a token or a quoted string (RFC 9110 section 5.6.4) up to a delimiter; nullopt if a quote
/// stays open or something follows it.
inline std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (text.empty() || text.front() != '"') {
    const auto end = (std::min)(text.find_first_of(",;"), text.size());
    value = ordercast::detail::trim(text.substr(0, end));
    text.remove_prefix(end);
    return value.find('"') == std::string::npos ? std::optional(std::move(value)) : std::nullopt;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
      if (!text.empty() && text.front() != ',' && text.front() != ';') return std::nullopt;
      return value;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

/// Appends the elements of one Forwarded field (RFC 7239 section 4). From the first syntax error on
/// the field says nothing: a client that leaves a quote open must not swallow its proxy's element.
inline void read_forwarded(std::string_view text, std::vector<ForwardedHop>& hops) {
  const auto first = hops.size();
  const auto give_up = [&] {
    hops.resize(first);
    hops.emplace_back();
  };
  ForwardedHop hop;
  bool has_for = false;
  bool has_pair = false;
  for (;;) {
    text = ordercast::detail::trim(text);
    if (!text.empty() && text.front() != ',' && text.front() != ';') {
      const auto name_end = text.find_first_of("=,;\"");
      if (name_end == std::string_view::npos || text[name_end] != '=') return give_up();
      const auto name = ordercast::detail::trim(text.substr(0, name_end));
      text = ordercast::detail::trim(text.substr(name_end + 1));
      const auto value = take_value(text);
      if (!value) return give_up();
      has_pair = true;
      if (iequals(name, "for")) {
        if (std::exchange(has_for, true)) return give_up();
        hop.address = ClientAddress::parse_node(*value);
      } else if (iequals(name, "proto")) {
        hop.scheme = scheme_of(*value);
      } else if (iequals(name, "host")) {
        hop.host = *value;
      }
    }
    if (!text.empty() && text.front() == ';') {
      text.remove_prefix(1);
      continue;
    }
    if (has_pair) hops.push_back(std::exchange(hop, {}));
    has_for = has_pair = false;
    if (text.empty()) return;
    text.remove_prefix(1);
  }
}

/// All elements of all fields of that name, as one list (RFC 9110 section 5.3).
inline std::vector<std::string> list_of(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> all;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, name)) continue;
    ordercast::detail::any_element(field.value, [&](std::string_view entry) {
      if (!entry.empty()) all.emplace_back(entry);
      return false;
    });
  }
  return all;
}

inline std::vector<ForwardedHop> forwarded_hops(const HttpRequest& request) {
  std::vector<ForwardedHop> hops;
  for (const auto& field : request.headers) {
    if (iequals(field.name, "Forwarded")) read_forwarded(field.value, hops);
  }
  if (!hops.empty()) return hops;

  const auto addresses = list_of(request, "X-Forwarded-For");
  const auto schemes = list_of(request, "X-Forwarded-Proto");
  const auto hosts = list_of(request, "X-Forwarded-Host");
  // A proxy that doesn't keep these beside each other sets one for all: the last is its own.
  const auto beside = [&](const std::vector<std::string>& list, std::size_t i) {
    if (list.empty()) return std::string();
    return list.size() == addresses.size() ? list[i] : list.back();
  };
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    hops.push_back(
        {ClientAddress::parse_node(addresses[i]), scheme_of(beside(schemes, i)), beside(hosts, i)});
  }
  if (addresses.empty() && !(schemes.empty() && hosts.empty())) {
    hops.push_back({std::nullopt, scheme_of(beside(schemes, 0)), beside(hosts, 0)});
  }
  return hops;
}

}  // namespace detail

/// Who sent the request: the peer, or, if the peer is a trusted proxy, the last one in Forwarded
/// (without that, X-Forwarded-For) whom no trusted proxy has added as a hop of its own. What stands
/// further left is whatever the client wrote. Where a proxy hides the address or writes something
/// else, the client counts as that proxy. Scheme and host come from the same place.
///
/// A trusted proxy must set or drop Forwarded: one that only knows X-Forwarded-For and passes the
/// client's Forwarded on lets clients choose their address.
[[nodiscard]] inline Client client_of(const HttpRequest& request, const AddressList& trusted) {
  Client client;
  client.address = ClientAddress::parse_node(request.remote_address);
  if (!client.address || !trusted.contains(*client.address)) return client;
  const auto hops = detail::forwarded_hops(request);
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!hop->scheme.empty()) client.scheme = hop->scheme;
    if (!hop->host.empty()) client.host = hop->host;
    if (!hop->address) break;
    client.address = hop->address;
    if (!trusted.contains(*client.address)) break;
  }
  return client;
}

}  // namespace ordercast::net
