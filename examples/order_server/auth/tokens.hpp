// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"
#include <ordercast/services.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// The server's own tokens. Its one source file is the only one that compiles the JWT library.
namespace order_server {

struct TokenOptions {
  std::string secret;                             ///< HS256, at least 32 bytes.
  std::chrono::seconds access_lifetime{15 * 60};  ///< From issue to expiry.
  std::chrono::seconds refresh_lifetime{std::chrono::hours(24 * 30)};
  std::function<std::chrono::system_clock::time_point()> now = &std::chrono::system_clock::now;
};

/// Issues and verifies access and refresh tokens. Immutable; any thread; microseconds a call.
/// Copies share one state, so it also serves as the Authenticator of a connection manager.
class Tokens {
 public:
  /// Throws std::invalid_argument for a secret that is too short.
  explicit Tokens(const TokenOptions& options);

  /// Who an access token speaks for. A refresh token is refused.
  [[nodiscard]] ordercast::AuthResult authenticate(std::string_view token) const noexcept;

  /// The user id of a good refresh token. An access token is refused.
  [[nodiscard]] std::optional<std::string> refresh_subject(std::string_view token) const noexcept;

  [[nodiscard]] std::string issue_access(const User& user) const;
  [[nodiscard]] std::string issue_refresh(const User& user) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace order_server
