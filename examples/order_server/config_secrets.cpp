// SPDX-License-Identifier: MIT
#include "config_secrets.hpp"

#include "config_options.hpp"
#include "domain/sodium.hpp"
#include "store/open_database.hpp"

#include <algorithm>
#include <utility>

namespace order_server {

const char* const environment_help =
    "Environment:\n"
    "  JWT_SECRET           HS256 secret of the tokens, at least 32 bytes; without it\n"
    "                       a demo on loopback makes a random one and keeps it in\n"
    "                       DB.jwt-secret, and any other server does not start\n"
    "  DB_PASSWORD          password for --db postgres://... [default: as libpq finds it, in the\n"
    "                       URL's passfile, PGPASSWORD or ~/.pgpass]\n"
    "  RAZORPAY_KEY_ID      key id at the payment provider [default: ids are made up]\n"
    "  RAZORPAY_KEY_SECRET  secret that payments are signed with [default: ONLINE orders are\n"
    "                       refused, except with test payments on demo data]\n"
    "  RAZORPAY_WEBHOOK_SECRET  secret that webhooks are signed with [default: no webhook]\n"
    "  FCM_SERVICE_ACCOUNT  file of the service account for pushes [default: pushes are logged]\n"
    "  NATS_TOKEN           token for --nats [default: none]\n"
    "  NAME_FILE            for each of these: a file that contains the value\n"
    "  One newline at the end of a secret is dropped; other white space there is an error.\n"
    "\n"
    "Operators:\n"
    "  order_server outbox list|retry --help   broadcasts and pushes that failed\n"
    "  order_server user --help                who may sign in\n"
    "  order_server store|product --help       what is sold, and where\n"
    "  order_server backup FILE --help         a complete copy of the database\n"
    "  order_server check-config OPTIONS       what a start with these options would refuse\n";

namespace {

std::string random_secret() {
  require_sodium();
  std::string secret(min_jwt_secret_bytes, '\0');
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

/// The account is always a file: FCM_SERVICE_ACCOUNT names it, and so does
/// FCM_SERVICE_ACCOUNT_FILE, which the names of the other secrets suggest.
std::string read_service_account(Config& config, const Environment& environment) {
  const std::string name = "FCM_SERVICE_ACCOUNT";
  const auto by_file = name + "_FILE";
  const auto plain = environment(name.c_str());
  const auto file = environment(by_file.c_str());
  if (plain && file) return name + " and " + by_file + " are both set; set one of them";
  config.fcm_service_account = plain.value_or(file.value_or(""));
  if (config.fcm_service_account.empty() && (plain || file)) {
    return (plain ? name : by_file) + " is empty; set a value or unset it";
  }
  if (config.fcm_service_account.empty()) {
    config.notices.emplace_back(name + " is not set: pushes are logged, not sent");
    return {};
  }
  const auto from = (plain ? name : by_file) + ": ";
  if (auto wrong = complaint_of_file(config.fcm_service_account); !wrong.empty()) {
    return from + wrong;
  }
  return {};
}

}  // namespace

std::vector<std::string> read_secrets(Config& config, const Environment& environment) {
  std::vector<std::string> problems;
  const auto note = [&problems](std::string problem) {
    if (!problem.empty()) problems.push_back(std::move(problem));
  };
  auto jwt = read_secret(environment, "JWT_SECRET");
  note(jwt.wrong);
  if (jwt.value && jwt.value->size() < min_jwt_secret_bytes) {
    note(jwt.from + " has " + std::to_string(jwt.value->size()) +
         " bytes; it needs at least 32, or leave it unset and the demo makes a random one");
  }
  config.jwt_secret = std::move(jwt.value).value_or("");
  const bool is_unset = config.jwt_secret.empty() && jwt.wrong.empty();
  if (is_unset && config.demo_data != DemoMode::automatic && !listens_on_loopback(config.host)) {
    // Fails before the database is opened or filled. The other cases depend on the database.
    note(missing_jwt_secret());
  } else if (is_unset && is_shared_database(config.db)) {
    note(
        "JWT_SECRET is not set: nodes that share a database sign under one secret; give each "
        "JWT_SECRET or JWT_SECRET_FILE with at least 32 bytes");
  }
  auto db_password = read_secret(environment, "DB_PASSWORD");
  note(db_password.wrong);
  config.db_password = std::move(db_password.value).value_or("");
  auto key = read_secret(environment, "RAZORPAY_KEY_SECRET");
  note(key.wrong);
  if (key.value) {
    config.razorpay_key_secret = std::move(*key.value);
  } else if (key.wrong.empty()) {
    config.has_test_payments = true;
    config.razorpay_key_secret = random_secret();
    config.notices.emplace_back(
        "RAZORPAY_KEY_SECRET is not set: ONLINE orders are refused, except with test payments on "
        "demo data");
  }
  auto key_id = read_secret(environment, "RAZORPAY_KEY_ID");
  note(key_id.wrong);
  if (key_id.value && config.has_test_payments) {
    note(key_id.from + " is set and RAZORPAY_KEY_SECRET is not; set both, or neither for a demo");
  }
  // It is the user of HTTP's basic authentication (RFC 7617), which ends at a colon.
  if (key_id.value && !std::all_of(key_id.value->begin(), key_id.value->end(),
                                   [](char c) { return c > ' ' && c < 0x7F && c != ':'; })) {
    note(key_id.from +
         " has a character that is not allowed; allowed are visible ASCII characters except ':'");
  }
  if (!key_id.value && !config.has_test_payments) {
    config.notices.emplace_back(
        "RAZORPAY_KEY_ID is not set: payments do not reach the provider, and its order ids are "
        "made up");
  }
  config.razorpay_key_id = std::move(key_id.value).value_or("");
  auto webhook = read_secret(environment, "RAZORPAY_WEBHOOK_SECRET");
  note(webhook.wrong);
  config.razorpay_webhook_secret = std::move(webhook.value).value_or("");
  auto nats = read_secret(environment, "NATS_TOKEN");
  note(nats.wrong);
  config.nats_token = std::move(nats.value).value_or("");
  note(read_service_account(config, environment));
  return problems;
}

}  // namespace order_server
