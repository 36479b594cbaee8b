// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/net/client_address.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercast::net {

/// A list of addresses and networks, as an operator writes them.
class AddressList {
 public:
  AddressList() = default;

  /// Reads addresses and CIDR networks separated by commas, with or without blanks: "10.0.0.1,
  /// 192.168.0.0/16, fd00::/8". Ignores the bits after the prefix. Returns nullopt if an entry is
  /// invalid, and sets `wrong` to it.
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
    if (mapped && bits < 96) return false;  // It would cover IPv4 and other addresses.
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

}  // namespace ordercast::net
