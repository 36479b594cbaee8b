// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// This server's Google service account, and the assertions signed with its key.
namespace order_server {

/// The fields that are used of the Firebase console's JSON file. The key is a secret.
struct ServiceAccount {
  std::string project_id;
  std::string client_email;
  std::string private_key;     ///< RSA, PEM.
  std::string private_key_id;  ///< Empty if the file has none.
  std::string token_url;       ///< The file's `token_uri`.
};

/// Reads a service-account file. Throws std::runtime_error that names the file and the field that
/// is missing or wrong, but never the key.
[[nodiscard]] ServiceAccount load_service_account(const std::string& file);

/// Signs an assertion to request an access token for sending messages (RFC 7523 section 2.1), valid
/// for an hour from `now`. Throws std::runtime_error if the key can't sign.
[[nodiscard]] std::string sign_assertion(const ServiceAccount& account,
                                         std::chrono::system_clock::time_point now);

}  // namespace order_server
