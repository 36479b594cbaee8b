// SPDX-License-Identifier: MIT
#include "../support/ws_client.hpp"
#include "order_server.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

/// Runs an operator's command while the server runs. Returns its exit code and output. `password`:
/// passed in a file.
std::pair<int, std::string> operate(const OrderServer& server, std::vector<std::string> arguments,
                                    const std::string& password = {}) {
  TempDir directory;
  const auto file = directory.path() / "password";
  if (!password.empty()) {
    std::ofstream(file) << password << "\n";
    arguments.insert(arguments.end(), {"--password-file", file.string()});
  }
  Command command = order_server_command(server.database(), directory.path() / "stderr.log");
  command.argv = {command.argv.front(), "user"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.insert(command.argv.end(), {"--db", server.database().string()});
  ChildProcess process(command);
  auto out = process.read_to_end(patience);
  return {process.wait(patience).value_or(ExitStatus{}).code.value_or(-1), std::move(out)};
}

int close_code(WsClient& client) {
  const auto closed = client.expect_close(patience);
  return closed ? closed->code : 0;
}

WsClient watch(const OrderServer& server, const std::string& token) {
  WsClient client;
  REQUIRE(client.connect("127.0.0.1", server.port(), ws_target(token), {}, patience));
  REQUIRE(client.send_text(R"({"type":"ping"})"));
  REQUIRE(client.next_text(patience) == R"({"type":"pong"})");
  return client;
}

/// A sign-in by password, with a WebSocket.
struct SignIn {
  SignIn(const OrderServer& server, const Account& user)
      : answer(server.anonymous().login(user.email, user.password)),
        access(text_of(answer.data(), "accessToken")),
        socket(watch(server, access)) {}

  ApiReply answer;
  std::string access;
  WsClient socket;
};

}  // namespace

TEST_CASE("an operator ends a stolen account on the server that runs: sockets, tokens, sign-ins",
          "[accounts]") {
  OrderServer server;
  const auto& victim = demo().customer;
  SignIn stolen(server, victim);
  const auto refresh = text_of(stolen.answer.data(), "refreshToken");
  auto foreign = watch(server, victim.token);  // signed elsewhere under the same secret
  auto other = watch(server, demo().customer2.token);

  REQUIRE(operate(server, {"disable", "--email", victim.email}).first == 0);
  CHECK(close_code(stolen.socket) == 4001);
  CHECK(close_code(foreign) == 4001);
  for (const auto& token : {stolen.access, victim.token}) {
    CHECK(server.as(token).get("/api/v1/auth/me").status == 401);
    WsClient again;
    REQUIRE(again.connect("127.0.0.1", server.port(), ws_target(token), {}, patience));
    CHECK(close_code(again) == 4001);
  }
  CHECK(server.anonymous().post("/api/v1/auth/refresh", {{"refreshToken", refresh}}).status == 401);
  CHECK(server.anonymous().login(victim.email, victim.password).status == 401);
  REQUIRE(other.send_text(R"({"type":"ping"})"));
  CHECK(other.next_text(patience) == R"({"type":"pong"})");

  // The same after a restart, until they are enabled again.
  REQUIRE(server.drain().code == 0);
  server.start();
  CHECK(server.as(victim.token).get("/api/v1/auth/me").status == 401);
  REQUIRE(operate(server, {"enable", "--email", victim.email}).first == 0);
  CHECK(eventually([&] {
    const auto renewed = server.anonymous().login(victim.email, victim.password);
    return renewed.status == 200 &&
           server.as(text_of(renewed.data(), "accessToken")).get("/api/v1/auth/me").status == 200;
  }));
  CHECK(server.as(stolen.access).get("/api/v1/auth/me").status == 401);
}

TEST_CASE("a new password ends sign-ins on the server that runs; a new user can sign in at once",
          "[accounts]") {
  OrderServer server;
  const auto& user = demo().manager;
  SignIn before(server, user);
  REQUIRE(operate(server, {"set-password", "--email", user.email}, "a newer password").first == 0);
  CHECK(close_code(before.socket) == 4001);
  CHECK(server.as(before.access).get("/api/v1/auth/me").status == 401);
  CHECK(server.anonymous().login(user.email, user.password).status == 401);
  CHECK(server.anonymous().login(user.email, "a newer password").status == 200);

  const auto [code, id] = operate(
      server, {"add", "--email", "new@shop.example", "--role", "CUSTOMER"}, "brand new password");
  CHECK(code == 0);
  const auto first = server.anonymous().login("New@Shop.Example", "brand new password");
  REQUIRE(first.status == 200);
  CHECK(text_of(claims_of(text_of(first.data(), "accessToken")), "sub") + "\n" == id);
}
