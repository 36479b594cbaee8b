// SPDX-License-Identifier: MIT
#include "process/service_manager.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace order_server {
namespace {

constexpr int first_inherited = 3;  // SD_LISTEN_FDS_START

/// The number in a variable; nullopt if it is not set.
std::optional<std::int64_t> number(const ReadVariable& variable, const char* name) {
  const auto text = variable(name);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || stop != end || value < 0) {
    throw std::runtime_error(std::string(name) +
                             ": must be a whole number, as a service manager sets it");
  }
  return value;
}

/// Whether a variable is for this process: it may have been left by a parent.
bool is_for_us(const ReadVariable& variable, const char* name) {
  const auto pid = number(variable, name);
  return !pid || *pid == getpid();
}

int option_of(int descriptor, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/// "" for a socket of another family.
std::string address_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* address = nullptr;
  if (bound.ss_family == AF_INET) {
    address = &reinterpret_cast<const sockaddr_in*>(&bound)->sin_addr;
  } else if (bound.ss_family == AF_INET6) {
    address = &reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_addr;
  } else {
    return {};
  }
  return inet_ntop(bound.ss_family, address, text.data(), text.size()) == nullptr ? ""
                                                                                  : text.data();
}

}  // namespace

ServiceManager::ServiceManager(const ReadVariable& variable) {
  if (const auto us = number(variable, "WATCHDOG_USEC");
      us && *us > 0 && is_for_us(variable, "WATCHDOG_PID")) {
    watchdog_ = std::chrono::microseconds(*us);
  }
  const auto name = variable("NOTIFY_SOCKET");
  if (!name) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_abstract = !name->empty() && name->front() == '@';
  if ((!is_abstract && (name->empty() || name->front() != '/')) ||
      name->size() >= sizeof address.sun_path) {
    throw std::runtime_error(
        "NOTIFY_SOCKET: must be a path or an abstract name, as a service manager sets it");
  }
  std::memcpy(address.sun_path, name->data(), name->size());
  if (is_abstract) address.sun_path[0] = '\0';
  const auto size = offsetof(sockaddr_un, sun_path) + name->size() + (is_abstract ? 0 : 1);
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0 || connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(size)) != 0) {
    const int error = errno;
    if (socket_ >= 0) close(socket_);
    throw std::runtime_error("NOTIFY_SOCKET: " + std::generic_category().message(error));
  }
}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) close(socket_);
}

void ServiceManager::tell(std::string_view state) const noexcept {
  if (socket_ < 0) return;
  // A manager that does not read must not hold the server up.
  static_cast<void>(!send(socket_, state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

std::optional<InheritedSocket> inherited_socket(const ReadVariable& variable) {
  const auto count = number(variable, "LISTEN_FDS");
  if (!count || *count == 0 || !variable("LISTEN_PID") || !is_for_us(variable, "LISTEN_PID")) {
    return std::nullopt;
  }
  if (*count > 1) {
    throw std::runtime_error("LISTEN_FDS: " + std::to_string(*count) +
                             " sockets; allowed is one, a listening TCP socket");
  }
  InheritedSocket socket{first_inherited, address_of(first_inherited)};
  if (socket.host.empty() || option_of(socket.descriptor, SO_TYPE) != SOCK_STREAM ||
      option_of(socket.descriptor, SO_ACCEPTCONN) != 1) {
    throw std::runtime_error("LISTEN_FDS: descriptor 3 is not a listening TCP socket");
  }
  fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
  return socket;
}

}  // namespace order_server
