// SPDX-License-Identifier: MIT
#pragma once

#include "auth/caller.hpp"
#include "auth/revocations.hpp"
#include "store/store.hpp"
#include <ordercast/services.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// The server's own tokens. Only tokens.cpp compiles the JWT library.
namespace order_server {

struct TokenOptions {
  std::string secret;                             ///< HS256, at least 32 bytes.
  std::chrono::seconds access_lifetime{15 * 60};  ///< From issue to expiry.
  std::chrono::seconds refresh_lifetime{std::chrono::hours(24 * 30)};
  std::function<std::chrono::system_clock::time_point()> now = &std::chrono::system_clock::now;
};

/// What a good refresh token says.
struct RefreshClaims {
  std::string user_id;
  std::string session_id;  ///< Empty in a token without a `sid` claim.
  std::optional<std::int64_t> issued_at_ms;
};

/// Issues and verifies access and refresh tokens, and knows which sign-ins have ended. Any thread;
/// microseconds a call. Copies share one state, so it also serves as the Authenticator of a
/// connection manager.
class Tokens {
 public:
  /// Throws std::invalid_argument for a secret that is too short.
  explicit Tokens(const TokenOptions& options);

  /// Returns the caller that an access token names. Refuses a refresh token.
  [[nodiscard]] CallerResult caller_of(std::string_view token) const noexcept;

  /// The same, as the identity of a connection.
  [[nodiscard]] ordercast::AuthResult authenticate(std::string_view token) const noexcept;

  /// Returns the claims of a valid refresh token. Refuses an access token. The store knows whether
  /// the sign-in has ended.
  [[nodiscard]] std::optional<RefreshClaims> refresh_claims(std::string_view token) const noexcept;

  [[nodiscard]] std::string issue_access(const User& user, std::string_view session_id = {}) const;
  [[nodiscard]] std::string issue_refresh(const User& user, std::string_view session_id = {}) const;

  /// Refuses the access tokens of that sign-in from now on. With `session_id` "", refuses those of
  /// the user that name no sign-in and were issued before `at_ms`.
  void revoke(std::string_view user_id, std::string_view session_id, std::int64_t at_ms) const;

  /// Refuses every access token of the user while the user is disabled, also those of other
  /// issuers.
  void set_disabled(std::string_view user_id, bool is_disabled) const;

  [[nodiscard]] std::chrono::seconds access_lifetime() const noexcept;
  [[nodiscard]] std::chrono::seconds refresh_lifetime() const noexcept;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace order_server
