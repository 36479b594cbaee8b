// SPDX-License-Identifier: MIT
// Secrets from the environment and from files.
#include "config_fixture.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace order_server;

TEST_CASE("what may be a secret is not repeated where it is wrong", "[config]") {
  const TempDir directory;
  const auto file = directory.file("server.conf");
  std::ofstream(file) << "# mine\n\nport=7100\nhunter2hunter2\n";
  const auto unread = exit_of({"--config", file});
  CHECK(unread.code == 2);
  CHECK(contains(unread.error, "line 4: expected name=value"));
  for (const auto& end : {unread, exit_of({"--password", "hunter2hunter2"}),
                          exit_of({"--password=hunter2hunter2"}), exit_of({"hunter2hunter2"})}) {
    CHECK(end.code == 2);
    CHECK_FALSE(contains(end.error, "hunter2"));
  }
  CHECK(contains(exit_of({"--password", "x"}).error, "--password is not an option"));
}

TEST_CASE("a JWT_SECRET under 32 bytes is refused and never printed", "[config]") {
  const auto end = exit_of({}, {{"JWT_SECRET", "hunter2"}});
  CHECK(end.code != 0);
  CHECK(contains(end.error, "JWT_SECRET"));
  CHECK(contains(end.error, "32"));
  CHECK_FALSE(contains(end.error, "hunter2"));
  CHECK(exit_of({}, {{"JWT_SECRET", ""}}).code != 0);
  CHECK(exit_of({}, {{"JWT_SECRET", std::string(31, 's')}}).code != 0);
}

TEST_CASE("secrets that are not given are random or left to the demo, and that is said",
          "[config]") {
  const auto first = config_of({}, {});
  const auto second = config_of({}, {});
  CHECK(first.jwt_secret.empty());
  CHECK(first.razorpay_key_secret != second.razorpay_key_secret);
  REQUIRE(first.notices.size() == 2);
  CHECK(contains(first.notices[0], "RAZORPAY_KEY_SECRET"));
  CHECK(exit_of({}, {{"RAZORPAY_KEY_SECRET", ""}}).code != 0);
}

TEST_CASE("off loopback a missing JWT_SECRET ends the start before a database is made",
          "[config][secrets]") {
  for (const auto* mode : {"on", "off"}) {
    const std::vector<std::string> public_host{"--host", "0.0.0.0", "--demo-data", mode};
    CHECK(contains(exit_of(public_host, {}).error, "JWT_SECRET"));
    CHECK(config_of(public_host).host == "0.0.0.0");
  }
}

TEST_CASE("each secret also comes from a file", "[config][secrets]") {
  const TempDir folder;
  const auto file = folder.file("secret");
  const std::string secret(40, 'f');
  std::ofstream(file) << secret << '\n';
  const auto config = config_of({}, {{"JWT_SECRET_FILE", file},
                                     {"RAZORPAY_KEY_SECRET_FILE", file},
                                     {"RAZORPAY_KEY_ID_FILE", file},
                                     {"RAZORPAY_WEBHOOK_SECRET_FILE", file},
                                     {"FCM_SERVICE_ACCOUNT_FILE", file}});
  CHECK(config.jwt_secret == secret);
  CHECK(config.razorpay_key_id == secret);
  CHECK(config.fcm_service_account == file);  // the account is what that file holds
  CHECK(config.razorpay_key_secret == secret);
  CHECK(config.razorpay_webhook_secret == secret);
  CHECK_FALSE(config.has_test_payments);

  std::ofstream(file) << "hunter2\n";
  const auto end = exit_of({}, {{"JWT_SECRET_FILE", file}});
  CHECK(contains(end.error, "JWT_SECRET_FILE has 7 bytes"));
  CHECK_FALSE(contains(end.error, "hunter2"));
}

TEST_CASE("every secret is checked for white space and for being given twice",
          "[config][secrets]") {
  for (const std::string name :
       {"JWT_SECRET", "RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"}) {
    const std::string secret(40, 'f');
    auto variables = good_secrets;
    variables[name] = secret + " ";
    auto end = exit_of({}, variables);
    CHECK(contains(end.error, name));
    CHECK_FALSE(contains(end.error, secret));

    variables[name] = secret;
    variables[name + "_FILE"] = "/no/such/file";
    end = exit_of({}, variables);
    CHECK(contains(end.error, name + " and " + name + "_FILE"));
    CHECK_FALSE(contains(end.error, secret));
  }
}

TEST_CASE("FCM_SERVICE_ACCOUNT must be a file that can be read", "[config]") {
  auto variables = good_secrets;
  variables["FCM_SERVICE_ACCOUNT"] = "/no/such/account.json";
  CHECK(contains(exit_of({}, variables).error, "/no/such/account.json"));

  variables["FCM_SERVICE_ACCOUNT_FILE"] = "/no/such/account.json";
  CHECK(contains(exit_of({}, variables).error,
                 "FCM_SERVICE_ACCOUNT and FCM_SERVICE_ACCOUNT_FILE are both set"));
  variables.erase("FCM_SERVICE_ACCOUNT");
  CHECK(contains(exit_of({}, variables).error, "FCM_SERVICE_ACCOUNT_FILE: the file '/no/such"));
}

TEST_CASE("a key id has only characters that basic authentication takes", "[config][secrets]") {
  for (const std::string id : {"a b", "a\nb", "a:b", "a\xFF"}) {
    auto variables = good_secrets;
    variables["RAZORPAY_KEY_ID"] = id;
    const auto refused = exit_of({}, variables).error;
    CHECK(contains(refused, "RAZORPAY_KEY_ID"));
    CHECK_FALSE(contains(refused, id));
  }
}

TEST_CASE("a key id without a key secret names the variable that gave it", "[config][secrets]") {
  const TempDir folder;
  const auto file = folder.file("id");
  std::ofstream(file) << "rzp_live_x\n";
  auto variables = good_secrets;
  variables.erase("RAZORPAY_KEY_SECRET");
  variables["RAZORPAY_KEY_ID_FILE"] = file;
  const auto end = exit_of({}, variables);
  CHECK(contains(end.error, "RAZORPAY_KEY_ID_FILE is set and RAZORPAY_KEY_SECRET is not"));
  CHECK_FALSE(contains(end.error, "rzp_live_x"));
}
