// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/error.hpp>
#include <ordercast/services.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// The least that is a transport, and the least that is services: what the core can be built with
/// though it has nothing that docs/transports.md and services.hpp don't ask for. One thread.
namespace ordercast::test {

/// A handle that can be defaulted, copied, compared and hashed, and nothing else.
struct ArchetypeHandle {
  ArchetypeHandle() = default;
  explicit ArchetypeHandle(int which) : number(which) {}
  friend bool operator==(const ArchetypeHandle& a, const ArchetypeHandle& b) noexcept {
    return a.number == b.number;
  }
  int number = 0;
};

struct ArchetypeTransport {
  using Handle = ArchetypeHandle;
  struct Frame {};

  static Frame prepare(const std::string& /*text*/) { return {}; }
  SendResult send(Handle /*to*/, const Frame& /*frame*/) { return SendResult::accepted; }
  void ping(Handle /*to*/) {}
  void close(Handle /*which*/, CloseCode /*code*/, std::string_view /*reason*/) {}
  void terminate(Handle /*which*/) {}
};

/// The same with what may be left out: what has been taken and not written, and what the peer has
/// not acknowledged.
struct CountingArchetypeTransport : ArchetypeTransport {
  [[nodiscard]] std::size_t buffered_bytes(Handle /*of*/) const { return 0; }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle /*of*/) const { return 0; }
  [[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes(Handle /*of*/) const { return 0; }
  void prefetch(Handle /*of*/) const noexcept {}
};

/// Seams without any rules: each token names its user, each user may watch each order, and no
/// order can be read. They can be moved alone.
struct ArchetypeServices {
  struct Authenticator {
    [[nodiscard]] AuthResult authenticate(std::string_view token) {
      return Identity{std::string(token)};
    }
  } authenticator;
  struct Authorizer {
    template <class Done>
    void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) {
      done(Access::granted);
    }
  } authorizer;
  struct Orders {
    template <class Done>
    void fetch(std::string_view /*order_id*/, Done done) {
      done(std::optional<OrderSnapshot>());
    }
  } orders;
  NullObserver observer;
  struct Clock {
    [[nodiscard]] TimePoint now() const { return TimePoint() + std::chrono::hours(1); }
  } clock;
  std::unique_ptr<int> moved_alone;

  explicit ArchetypeServices(int /*has no default*/) {}
};

}  // namespace ordercast::test

template <>
struct std::hash<ordercast::test::ArchetypeHandle> {
  [[nodiscard]] std::size_t operator()(
      const ordercast::test::ArchetypeHandle& handle) const noexcept {
    return static_cast<std::size_t>(handle.number);
  }
};
