// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>

/// Where secrets come from. No message here shows one. Used at the start, before there are threads.
namespace order_server {

/// Reads an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// What was found under a name; at most one of `value` and `wrong`.
struct Secret {
  std::optional<std::string> value;
  std::string from;   ///< The variable that gave it: NAME or NAME_FILE.
  std::string wrong;  ///< Why it can't be used, as one line that names the variable.
};

/// The secret in the variable `name`, or in the file that NAME_FILE names; both at once are wrong.
/// One newline at its end is dropped, as `echo` and editors leave one. Other white space at either
/// end is wrong: it is hardly meant, and whoever shares the secret may drop it.
[[nodiscard]] Secret read_secret(const Environment& environment, const std::string& name);

/// Where the demo keeps its secret: beside the database.
[[nodiscard]] std::string demo_secret_file(const std::string& db);

/// What tokens are signed under: `given`, or if that is empty and `is_demo` says so (demo data, on
/// loopback) a random one, which is kept in `demo_secret_file(db)` for the next start. Throws
/// std::runtime_error where there is none, or that file can't be used.
[[nodiscard]] std::string signing_secret(const std::string& given, const std::string& db,
                                         bool is_demo);

/// For a start that needs a JWT secret and has none.
[[nodiscard]] std::string missing_jwt_secret();

/// At least so many bytes of a JWT secret (RFC 7518 section 3.2).
inline constexpr std::size_t min_jwt_secret_bytes = 32;

}  // namespace order_server
