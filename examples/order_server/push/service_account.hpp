// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// Who this server is towards Google: a service account and the assertions signed with its key.
namespace order_server {

/// What is used of the JSON file that the Firebase console makes. The key is a secret.
struct ServiceAccount {
  std::string project_id;
  std::string client_email;
  std::string private_key;     ///< RSA, PEM.
  std::string private_key_id;  ///< "" when the file has none.
  std::string token_url;       ///< The file's `token_uri`.
};

/// Reads a service-account file. Throws std::runtime_error, which names the file and the field that
/// is missing or wrong, and never the key.
[[nodiscard]] ServiceAccount load_service_account(const std::string& file);

/// An assertion for an access token that may send messages (RFC 7523 section 2.1), good for an
/// hour from `now`. Throws std::runtime_error when the key can't sign.
[[nodiscard]] std::string sign_assertion(const ServiceAccount& account,
                                         std::chrono::system_clock::time_point now);

}  // namespace order_server
