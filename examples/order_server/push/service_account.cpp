// SPDX-License-Identifier: MIT
#include "push/service_account.hpp"

#include "net/http_client.hpp"

#include <jwt/jwt.hpp>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace order_server {
namespace {

constexpr std::size_t max_account_bytes = std::size_t{64} * 1024;
constexpr const char* scope = "https://www.googleapis.com/auth/firebase.messaging";

std::string field_of(const nlohmann::json& account, const std::string& file, const char* name) {
  const auto found = account.find(name);
  if (found == account.end() || !found->is_string() || found->get<std::string>().empty()) {
    throw std::runtime_error("the service account '" + file + "' has no " + name);
  }
  return found->get<std::string>();
}

}  // namespace

ServiceAccount load_service_account(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("the service account '" + file + "' can't be read");
  std::string text(max_account_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > max_account_bytes) {
    throw std::runtime_error("the service account '" + file + "' is longer than 64 KiB");
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    throw std::runtime_error("the service account '" + file + "' is not a JSON object");
  }
  ServiceAccount account;
  account.project_id = field_of(json, file, "project_id");
  account.client_email = field_of(json, file, "client_email");
  account.private_key = field_of(json, file, "private_key");
  account.token_url = field_of(json, file, "token_uri");
  if (json.contains("private_key_id")) account.private_key_id = json.value("private_key_id", "");
  if (account.project_id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-:.") !=
      std::string::npos) {
    throw std::runtime_error("the service account '" + file + "' has a wrong project_id");
  }
  if (!is_service_url(account.token_url)) {
    throw std::runtime_error("the service account '" + file + "' has a wrong token_uri");
  }
  try {
    static_cast<void>(sign_assertion(account, std::chrono::system_clock::now()));
  } catch (const std::exception&) {
    throw std::runtime_error("the service account '" + file +
                             "' has a private_key that is not an RSA key in PEM");
  }
  return account;
}

std::string sign_assertion(const ServiceAccount& account,
                           std::chrono::system_clock::time_point now) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto issued = duration_cast<seconds>(now.time_since_epoch()).count();
  jwt::jwt_object assertion{jwt::params::algorithm("RS256"),
                            jwt::params::secret(account.private_key)};
  assertion.add_claim("iss", account.client_email)
      .add_claim("scope", scope)
      .add_claim("aud", account.token_url)
      .add_claim("iat", issued)
      .add_claim("exp", issued + 3600);
  if (!account.private_key_id.empty()) assertion.header().add_header("kid", account.private_key_id);
  std::error_code error;
  auto text = assertion.signature(error);
  if (error) throw std::runtime_error("the assertion can't be signed: " + error.message());
  return text;
}

}  // namespace order_server
