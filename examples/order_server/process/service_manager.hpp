// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// What a service manager such as systemd says through the environment, and how to answer it. See
/// sd_notify(3) and sd_listen_fds(3).
namespace order_server {

/// Reads an environment variable; nullopt if it is not set.
using ReadVariable = std::function<std::optional<std::string>(const char* name)>;

/// Tells the service manager how the process is. Does nothing where there is none. Any thread;
/// never blocks.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Throws std::runtime_error, with the
  /// variable's name, if one has a value that makes no sense.
  explicit ServiceManager(const ReadVariable& variable);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager();

  /// Requests are answered from now on.
  void ready() const noexcept { tell("READY=1"); }
  /// The process has begun to end.
  void stopping() const noexcept { tell("STOPPING=1"); }
  /// Nothing stands still. Call it more often than `watchdog` says.
  void alive() const noexcept { tell("WATCHDOG=1"); }

  /// How long the manager waits for `alive` until it ends the process; nullopt if it does not.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const noexcept {
    return watchdog_;
  }

 private:
  void tell(std::string_view state) const noexcept;

  int socket_ = -1;
  std::optional<std::chrono::microseconds> watchdog_;
};

/// A listening socket that the service manager has opened. It outlives this process, so clients can
/// connect while the service restarts.
struct InheritedSocket {
  int descriptor = -1;
  std::string host;  ///< The address that it is bound to.
};

/// Takes the socket that LISTEN_PID and LISTEN_FDS name; nullopt if there is none. Programs that
/// this one starts don't inherit it. Throws std::runtime_error if there are several, or if it is
/// not a listening TCP socket.
[[nodiscard]] std::optional<InheritedSocket> inherited_socket(const ReadVariable& variable);

}  // namespace order_server
