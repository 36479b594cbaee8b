// SPDX-License-Identifier: MIT
#include "net/addresses.hpp"

#include <ordercast/handshake.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace order_server {
namespace {

template <class Address>
std::string print(int family, const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(family, &address, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

}  // namespace

std::string normal_address(std::string_view text) {
  const std::string terminated(text.substr(0, INET6_ADDRSTRLEN));
  in_addr four{};
  if (::inet_pton(AF_INET, terminated.c_str(), &four) == 1) return print(AF_INET, four);
  in6_addr six{};
  if (::inet_pton(AF_INET6, terminated.c_str(), &six) != 1) return {};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    std::memcpy(&four, &six.s6_addr[12], sizeof four);
    return print(AF_INET, four);
  }
  return print(AF_INET6, six);
}

bool is_ip_address(std::string_view text) noexcept {
  try {
    return !normal_address(text).empty();
  } catch (...) {  // no memory for an address is as good as no address
    return false;
  }
}

bool is_loopback(std::string_view address) noexcept {
  return address == "::1" || address.substr(0, 4) == "127.";
}

std::string client_address(const ordercast::HttpRequest& request,
                           const std::vector<std::string>& trusted) {
  const auto is_trusted = [&](const std::string& address) {
    return std::find(trusted.begin(), trusted.end(), address) != trusted.end();
  };
  std::string client = normal_address(request.remote_address);
  if (!is_trusted(client)) return client;

  // Several headers of that name are one list (RFC 9110 section 5.3).
  std::vector<std::string> chain;
  for (const auto& field : request.headers) {
    if (!ordercast::iequals(field.name, "X-Forwarded-For")) continue;
    ordercast::detail::any_element(field.value, [&](std::string_view entry) {
      chain.push_back(normal_address(entry));
      return false;
    });
  }
  for (auto hop = chain.rbegin(); hop != chain.rend() && is_trusted(client); ++hop) {
    if (hop->empty()) break;
    client = *hop;
  }
  return client;
}

}  // namespace order_server
