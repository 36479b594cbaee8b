// SPDX-License-Identifier: MIT
#include "services_stub.hpp"
#include "tokens.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast::test;

namespace {

constexpr const char* webhook_secret = "marker-webhook-secret-4711";
constexpr const char* wrong_password = "marker-wrong-password-4711";
constexpr const char* device = "marker-device-token-4711-which-is-long-enough-to-be-abbreviated";
constexpr const char* bad_token = "marker-bad-token-4711.marker-bad-token.marker";

/// Checks that a server's answers contain no secret.
class Confidant {
 public:
  explicit Confidant(const OrderServer& server) : server_(&server) {}

  /// `name` is printed if the secret is found.
  void hide(const std::string& name, const std::string& secret) {
    REQUIRE(secret.size() >= 8);
    secrets_[name] = secret;
  }

  const ApiReply& hear(ApiReply reply) {
    answers_ += "HTTP " + std::to_string(reply.status) + "\n";
    for (const auto& header : reply.headers) answers_ += header.first + ": " + header.second + "\n";
    answers_ += reply.body + "\n";
    last_ = std::move(reply);
    return last_;
  }
  void hear(WsClient& client) {
    while (const auto text = client.next_text(std::chrono::milliseconds(2'000))) {
      answers_ += *text + "\n";
    }
    if (const auto closed = client.expect_close(patience)) answers_ += closed->reason + "\n";
  }
  /// Checks the answer to raw bytes.
  void hear_raw(const std::string& bytes) {
    RawSocket socket;
    REQUIRE(socket.connect("127.0.0.1", server_->port()));
    REQUIRE(socket.send_bytes(bytes));
    answers_ += socket.read_to_end(std::chrono::milliseconds(2'000)) + "\n";
  }

  void check(const std::string& where, const std::string& text) const {
    for (const auto& [name, secret] : secrets_) {
      INFO(name << " in " << where);
      CHECK(text.find(secret) == std::string::npos);
    }
  }
  [[nodiscard]] const std::string& answers() const noexcept { return answers_; }

 private:
  const OrderServer* server_;
  std::map<std::string, std::string> secrets_;
  std::string answers_;
  ApiReply last_;
};

std::string line_of_private_key(const std::string& account_file) {
  const auto key = text_of(Json::parse(read_file(account_file)), "private_key");
  const auto first = key.find('\n') + 1;
  return key.substr(first, key.find('\n', first) - first);
}

}  // namespace

TEST_CASE("no secret, token or password is in a log or in an answer, whatever is done wrong",
          "[secrets]") {
  ServicesStub stub;
  auto environment = stub.environment();
  const auto account_file = environment.front().second.value();
  environment.emplace_back("RAZORPAY_KEY_ID", ServicesStub::key_id);
  environment.emplace_back("RAZORPAY_WEBHOOK_SECRET", webhook_secret);
  OrderServer server(stub.options({"--log-level", "debug"}), Database::demo_copy, environment);
  Confidant confidant(server);
  const auto& user = demo().customer;
  const auto nobody = server.anonymous();

  // Sign-ins. Their own answers hold the tokens, and so are not looked at.
  const auto login = nobody.login(user.email, user.password);
  const auto access = text_of(login.data(), "accessToken");
  const auto refresh = text_of(login.data(), "refreshToken");
  confidant.hide("JWT secret", std::string(jwt_secret));
  confidant.hide("key secret", std::string(razorpay_secret));
  confidant.hide("webhook secret", webhook_secret);
  confidant.hide("private key", line_of_private_key(account_file));
  confidant.hide("access token", access);
  confidant.hide("its signature", access.substr(access.rfind('.') + 1));
  confidant.hide("refresh token", refresh);
  confidant.hide("password", user.password);
  confidant.hide("wrong password", wrong_password);
  confidant.hide("device token", device);
  confidant.hide("bad token", bad_token);
  const auto me = server.as(access);

  confidant.hear(nobody.login(user.email, wrong_password));
  confidant.hear(nobody.login(wrong_password, wrong_password));
  confidant.hear(nobody.post("/api/v1/auth/login", {{"email", 1}, {"password", wrong_password}}));
  confidant.hear(nobody.post("/api/v1/auth/refresh", {{"refreshToken", bad_token}}));
  confidant.hear(nobody.post("/api/v1/auth/refresh", {{"refreshToken", access}}));
  confidant.hear(server.as(refresh).get("/api/v1/auth/me"));
  confidant.hear(server.as(bad_token).get("/api/v1/auth/me"));
  confidant.hear(nobody.get("/api/v1/auth/me?token=" + access));
  confidant.hear(nobody.get("/no/such/path?token=" + access));
  confidant.hear(nobody.get("/ws?token=" + access));  // no upgrade
  confidant.hear(me.get("/api/v1/orders?status=no-such-status"));
  confidant.hear(me.get("/api/v1/orders/no-such-order"));

  // Devices, pushes to them, and their end.
  for (const auto* platform : {"android", "ios", "carrier-pigeon"}) {
    confidant.hear(me.post("/api/v1/devices", {{"token", device}, {"platform", platform}}));
  }
  confidant.hear(server.as(demo().customer2)
                     .post("/api/v1/devices", {{"token", device}, {"platform", "android"}}));
  confidant.hear(me.post("/api/v1/devices", {{"token", device}, {"platform", "android"}}));

  // Orders and payments, good and bad.
  const auto order = server.new_order(user, "org-1", "ONLINE");
  const auto id = text_of(order, "id");
  stub.behave({{"order", {{"kind", "internal"}, {"times", 1}}}});
  const auto payment = "/api/v1/orders/" + id + "/payment";
  confidant.hear(me.post(payment, Json::object()));
  const auto bill = confidant.hear(me.post(payment, Json::object())).data();
  const auto razorpay_order = text_of(bill, "razorpayOrderId");
  const auto signature = payment_signature(razorpay_order, "pay_1");
  confidant.hide("payment signature", signature);
  confidant.hear(me.verify_payment(id, razorpay_order, "pay_1", bad_token));
  confidant.hear(me.verify_payment(id, "order_other", "pay_1", signature));
  confidant.hear(me.verify_payment(id, razorpay_order, "pay_1", signature));
  const Json event{{"event", "payment.captured"}};
  confidant.hear(nobody.post("/api/v1/payments/webhook", event));
  confidant.hear(
      nobody.post("/api/v1/payments/webhook", event,
                  {{"X-Razorpay-Event-Id", bad_token}, {"X-Razorpay-Signature", bad_token}}));
  const auto event_signature = hex(hmac_sha256(webhook_secret, event.dump()));
  confidant.hide("webhook signature", event_signature);
  confidant.hear(
      nobody.post("/api/v1/payments/webhook", event,
                  {{"X-Razorpay-Event-Id", "evt_1"}, {"X-Razorpay-Signature", event_signature}}));
  stub.behave({{"send", {{"kind", "unregistered"}, {"times", 1}}}});
  confidant.hear(server.as(demo().manager).set_status(id, "PREPARING"));
  CHECK(eventually([&] {
    static_cast<void>(nobody.get("/readyz"));
    return server.log().find(" removed") != std::string::npos;
  }));
  stub.behave({{"token", {{"kind", "unavailable"}}}, {"send", {{"kind", "unauthenticated"}}}});
  confidant.hear(me.post("/api/v1/devices", {{"token", device}, {"platform", "android"}}));
  confidant.hear(server.as(demo().manager).set_status(id, "READY"));

  // WebSockets, by each way a token comes.
  const std::vector<std::pair<std::string, Headers>> handshakes{
      {ws_target(access), {}},
      {ws_target(bad_token), {}},
      {ws_target(refresh), {}},
      {"/ws?x=%zz&token=" + access, {}},
      {"/ws", {{"Authorization", "Bearer " + access}}},
      {"/ws", {{"Authorization", std::string("Bearer ") + bad_token}}},
      {"/ws", {{"Sec-WebSocket-Protocol", "ordercast.v1, bearer." + access}}},
      {"/ws", {{"Sec-WebSocket-Protocol", std::string("ordercast.v1, bearer.") + bad_token}}},
      {"/elsewhere?token=" + access, {}}};
  for (const auto& [target, headers] : handshakes) {
    CAPTURE(target.substr(0, 4));
    WsClient client;
    const bool is_open = client.connect("127.0.0.1", server.port(), target, headers, patience);
    ApiReply answer;
    static_cast<HttpReply&>(answer) = client.handshake();
    confidant.hear(std::move(answer));
    if (!is_open) continue;
    client.send_text(R"({"type":"subscribe","orderId":"no-such-order"})");
    client.send_text(R"({"type":"subscribe","orderId":")" + id + R"(","since":0})");
    client.send_text(std::string("not json ") + bad_token);
    client.send_close();
    confidant.hear(client);
  }

  // Requests that no parser accepts.
  confidant.hear_raw("GET /ws?token=" + access + " HTTP/9.9\r\n\r\n");
  confidant.hear_raw("BREW /api?token=" + access + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  confidant.hear_raw("GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer " + access +
                     "\r\n\r\n");
  confidant.hear_raw("GET /x?token=" + access + std::string(40'000, 'x'));
  confidant.hear_raw(
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\nContent-Length: 40\r\nConnection: close\r\n\r\n{" +
      std::string(wrong_password) + std::string(40, ' '));

  confidant.hear(nobody.get("/metrics"));
  confidant.hear(nobody.get("/readyz"));
  confidant.hear(
      server.as(demo().admin).post("/api/v1/admin/users/nobody/disconnect", Json::object()));
  confidant.hear(
      me.post("/api/v1/auth/logout", {{"refreshToken", bad_token}, {"deviceToken", device}}));
  confidant.hear(me.post("/api/v1/auth/logout", {{"refreshToken", refresh}}));
  confidant.hear(me.get("/api/v1/auth/me"));
  CHECK(server.drain().code == 0);

  confidant.check("the log", server.log());
  confidant.check("an answer", confidant.answers());
  CHECK_FALSE(server.log().find("webhook") == std::string::npos);  // there was something to read

  // The key id is for clients, not for the log.
  CHECK(server.log().find(ServicesStub::key_id) == std::string::npos);
}

TEST_CASE("no --help, --version or refused start shows a secret", "[secrets]") {
  const std::string marker = "marker-secret-4711-of-more-than-32-bytes";
  TempDir directory;
  const auto run = [&](std::vector<std::string> arguments, const Environment& more) {
    Command command = order_server_command(directory.path() / "none.db", directory.path() / "err");
    command.argv = {command.argv.front()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.environment = {{"JWT_SECRET", marker},
                           {"RAZORPAY_KEY_ID", marker},
                           {"RAZORPAY_KEY_SECRET", marker},
                           {"RAZORPAY_WEBHOOK_SECRET", marker}};
    for (const auto& variable : more) command.environment.push_back(variable);
    ChildProcess process(command);
    const auto out = process.read_to_end(patience);
    static_cast<void>(process.wait(patience));
    const auto text = out + read_file(directory.path() / "err");
    CHECK_FALSE(text.empty());
    CHECK(text.find("marker-secret") == std::string::npos);
  };
  run({"--help"}, {});
  run({"--version"}, {});
  run({"user", "--help"}, {});
  run({"outbox", "--help"}, {});
  run({"--port", "no"}, {});
  run({"--db", "/no/such/folder/x.db"}, {});
  for (const auto* name :
       {"JWT_SECRET", "RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"}) {
    run({"--db", "/no/such/folder/x.db"}, {{std::string(name) + "_FILE", "/dev/null"}});
    run({"--db", "/no/such/folder/x.db"}, {{name, marker + " "}});
  }
  run({"--db", "/no/such/folder/x.db"}, {{"FCM_SERVICE_ACCOUNT", "/dev/null"}});
}
