// SPDX-License-Identifier: MIT
#pragma once

#include "../support/process.hpp"
#include "../support/tls_client.hpp"
#include "../support/token_forge.hpp"
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// Fakes FCM, Google's token service and Razorpay in one process on loopback (services_stub.mjs),
/// and makes the options that point an order server to it. Main thread only.
namespace ordercast::test {

/// A push that the stub received.
struct HeardPush {
  std::string token;
  std::string order_id;
  std::string status;
  long long version = 0;
  std::string title;
  std::string body;
  std::string http;
  std::string session;  ///< The access token; each run of a server has its own.

  [[nodiscard]] bool operator<(const HeardPush& other) const {
    return std::tie(token, order_id, version) <
           std::tie(other.token, other.order_id, other.version);
  }
};

class ServicesStub {
 public:
  static constexpr const char* key_id = "rzp_test_stub";

  ServicesStub() {
    CertificateFiles{folder_.path()}.write(make_certificate("127.0.0.1"));
    const auto key = forge::KeyPair::rsa();
    std::ofstream(folder_.path() / "public.pem") << key.public_pem();
    std::ofstream(account_file()) << Json{{"type", "service_account"},
                                          {"project_id", "shop-1"},
                                          {"private_key_id", "key-1"},
                                          {"private_key", key.private_pem()},
                                          {"client_email", "push@shop-1.iam.gserviceaccount.com"},
                                          {"token_uri", "https://oauth2.googleapis.com/token"}}
                                         .dump();
    Command command;
    command.argv = {"/usr/bin/env",
                    "node",
                    std::string(SERVICES_STUB_PATH),
                    (folder_.path() / "server.crt").string(),
                    (folder_.path() / "server.key").string(),
                    account_file(),
                    (folder_.path() / "public.pem").string()};
    command.stderr_file = folder_.path() / "stub.log";
    process_ = std::make_unique<ChildProcess>(command);
    const auto line = process_->read_line(patience);
    INFO(read_file(command.stderr_file));
    REQUIRE(line.has_value());
    std::istringstream words(*line);
    std::string ready;
    words >> ready >> port_ >> control_port_;
    REQUIRE(ready == "ready");
  }

  /// Options for an order server that uses the stub for pushes and payments.
  [[nodiscard]] std::vector<std::string> options(std::vector<std::string> more = {}) const {
    const auto url = "https://127.0.0.1:" + std::to_string(port_);
    std::vector<std::string> all{"--fcm-base-url",      url,
                                 "--fcm-token-url",     url + "/token",
                                 "--ca-file",           (folder_.path() / "server.crt").string(),
                                 "--razorpay-base-url", url};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Environment environment() const {
    return {{"FCM_SERVICE_ACCOUNT", account_file()}};
  }

  void behave(const Json& behaviour) const {
    REQUIRE(control().post("/behave", behaviour).status == 200);
  }
  void forget() const { REQUIRE(control().post("/forget", Json::object()).status == 200); }
  [[nodiscard]] Json heard() const { return Json::parse(control().get("/heard").body); }

  [[nodiscard]] std::vector<HeardPush> pushes() const {
    std::vector<HeardPush> all;
    const auto record = heard();
    for (const auto& push : record.at("pushes")) {
      all.push_back({text_of(push, "token"), text_of(push, "orderId"), text_of(push, "status"),
                     std::stoll(text_of(push, "version")), text_of(push, "title"),
                     text_of(push, "body"), text_of(push, "http"), text_of(push, "session")});
    }
    return all;
  }
  /// Waits until `count` pushes have arrived.
  [[nodiscard]] bool hears(std::size_t count) const {
    return eventually([&] { return pushes().size() >= count; });
  }

 private:
  [[nodiscard]] std::string account_file() const {
    return (folder_.path() / "account.json").string();
  }
  [[nodiscard]] ApiClient control() const { return ApiClient(control_port_); }

  TempDir folder_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
  std::uint16_t control_port_ = 0;
};

inline void register_device(const OrderServer& server, const Account& owner,
                            const std::string& token) {
  const auto reply =
      server.as(owner).post("/api/v1/devices", {{"token", token}, {"platform", "android"}});
  INFO(reply.body);
  REQUIRE(reply.status == 200);
}

}  // namespace ordercast::test
