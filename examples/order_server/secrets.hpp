// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>

/// Reads secrets. No message shows one. Used at the start, before there are threads.
namespace order_server {

/// Reads an environment variable; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// A secret, or why it can't be used. At most one of `value` and `wrong` is set.
struct Secret {
  std::optional<std::string> value;
  std::string from;   ///< The variable that gave it: NAME or NAME_FILE.
  std::string wrong;  ///< Why it can't be used: one line that names the variable.
};

/// Reads a secret from the variable `name`, or from the file that NAME_FILE names; setting both is
/// an error. Drops one newline at the end, which `echo` and editors add. Other white space at
/// either end is an error: it is rarely meant, and another program may drop it.
[[nodiscard]] Secret read_secret(const Environment& environment, const std::string& name);

/// Returns the file in which a demo keeps its secret, beside the database.
[[nodiscard]] std::string demo_secret_file(const std::string& db);

/// Returns the secret that signs tokens: `given`, or, if that is empty and `is_demo` (demo data on
/// loopback), a random one. Keeps the random one in `demo_secret_file(db)` for the next start.
/// Throws std::runtime_error if there is no secret or the file can't be used.
[[nodiscard]] std::string signing_secret(const std::string& given, const std::string& db,
                                         bool is_demo);

/// The error for a start that needs a JWT secret and has none.
[[nodiscard]] std::string missing_jwt_secret();

/// The least length of a JWT secret (RFC 7518 section 3.2).
inline constexpr std::size_t min_jwt_secret_bytes = 32;

}  // namespace order_server
