// SPDX-License-Identifier: MIT
#include "push/service_account.hpp"

#include "../support/token_forge.hpp"
#include "net/http_client.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

namespace order_server {
namespace {

using Catch::Matchers::Contains;

struct AccountFile {
  TempDir dir;
  nlohmann::json content;

  explicit AccountFile(const std::string& private_key)
      : content{{"type", "service_account"},
                {"project_id", "shop-1"},
                {"private_key_id", "key-1"},
                {"private_key", private_key},
                {"client_email", "push@shop-1.iam.gserviceaccount.com"},
                {"token_uri", "https://oauth2.googleapis.com/token"}} {}

  [[nodiscard]] std::string write(const std::string& text) const {
    auto name = dir.file("account.json");
    std::ofstream(name) << text;
    return name;
  }
  [[nodiscard]] std::string write() const { return write(content.dump()); }
};

}  // namespace

TEST_CASE("a service account that can't be used is refused with what is wrong", "[push]") {
  AccountFile file(ordercast::test::forge::rsa_key().private_pem());
  CHECK_NOTHROW(load_service_account(file.write()));
  CHECK_THROWS_WITH(load_service_account("no/such/file"), Contains("can't be read"));
  CHECK_THROWS_WITH(load_service_account(file.write("[]")), Contains("not a JSON object"));
  CHECK_THROWS_WITH(load_service_account(file.write("{")), Contains("not a JSON object"));
  for (const char* field : {"project_id", "private_key", "client_email", "token_uri"}) {
    auto without = file.content;
    without.erase(field);
    CHECK_THROWS_WITH(load_service_account(file.write(without.dump())), Contains(field));
  }
  file.content["project_id"] = "../other";
  CHECK_THROWS_WITH(load_service_account(file.write()), Contains("wrong project_id"));
  file.content["project_id"] = "shop-1";
  file.content["token_uri"] = "http://elsewhere.example/token";
  CHECK_THROWS_WITH(load_service_account(file.write()), Contains("wrong token_uri"));
  file.content["token_uri"] = "https://oauth2.googleapis.com/token";
  file.content["private_key"] =
      "-----BEGIN PRIVATE KEY-----\nsecret-bytes\n-----END PRIVATE KEY-----";
  CHECK_THROWS_WITH(load_service_account(file.write()),
                    Contains("not an RSA key") && !Contains("secret-bytes"));
}

TEST_CASE("services are reached over https, or on loopback", "[push]") {
  for (const char* url : {"https://fcm.googleapis.com", "https://127.0.0.1:8443",
                          "http://127.0.0.1:8080", "http://localhost:1/base", "http://[::1]:9"}) {
    INFO(url);
    CHECK(is_service_url(url));
  }
  for (const char* url : {"", "https://", "http://fcm.googleapis.com", "ftp://127.0.0.1",
                          "https://host/", "https://host?x", "http://127.0.0.1.evil.example",
                          "http://localhost.evil.example", "file:///etc/passwd"}) {
    INFO(url);
    CHECK_FALSE(is_service_url(url));
  }
}

}  // namespace order_server
