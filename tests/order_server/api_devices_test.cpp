// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace order_server;

TEST_CASE("users register and remove devices of their own", "[api][devices]") {
  ApiFixture fixture;
  const auto devices = [&](const std::string& user) {
    const auto sql = "SELECT COUNT(*) FROM devices WHERE user_id = '" + user + "'";
    return number_in(fixture.directory.file(), sql.c_str());
  };
  const auto call = [&](const std::string& method, const User& user, const json& body) {
    return fixture.call(method, "/api/v1/devices", user, body).status;
  };
  CHECK(call("POST", fixture.customer, {{"token", "t1"}, {"platform", "ANDROID"}}) == 200);
  CHECK(call("POST", fixture.rider, {{"token", "t2"}, {"platform", "ios"}}) == 200);
  CHECK(devices("customer") == 1);

  CHECK(call("DELETE", fixture.customer, {{"token", "t2"}, {"platform", "ios"}}) == 200);
  CHECK(devices("rider") == 1);
  CHECK(call("DELETE", fixture.customer, {{"token", "t1"}}) == 200);
  CHECK(devices("customer") == 0);

  for (const auto& body :
       {json::object(), json{{"token", "t"}}, json{{"token", ""}, {"platform", "ios"}},
        json{{"token", "t"}, {"platform", "toaster"}}, json{{"token", 1}, {"platform", "ios"}},
        json{{"token", std::string(4097, 't')}, {"platform", "ios"}}}) {
    CHECK(call("POST", fixture.customer, body) == 422);
  }
  CHECK(call("POST", make_user("ghost", Role::customer), {{"token", "t"}, {"platform", "ios"}}) ==
        401);
}

TEST_CASE("a device has two names for its calls", "[api][devices]") {
  ApiFixture fixture;
  const auto call = [&](const std::string& method, const std::string& path, const json& body) {
    return json::parse(fixture.call(method, path, fixture.customer, body).body).at("data");
  };
  const json device{{"token", "t1"}, {"platform", "android"}};
  CHECK(call("POST", "/api/v1/device-tokens", device) == json{{"registered", true}});
  CHECK(call("DELETE", "/api/v1/device-tokens", device) == json{{"removed", true}});
  CHECK(number_in(fixture.directory.file(), "SELECT COUNT(*) FROM devices") == 0);
}

TEST_CASE("a token that FCM can't know is refused with what is allowed", "[api][devices]") {
  ApiFixture fixture;
  const auto add = [&](const std::string& token, const std::string& platform) {
    return fixture.call("POST", "/api/v1/devices", fixture.customer,
                        {{"token", token}, {"platform", platform}});
  };
  const std::string apns = "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad";
  for (const auto& [token, platform] :
       std::vector<std::pair<std::string, std::string>>{{apns, "ios"},
                                                        {apns, "IOS"},
                                                        {apns + apns, "ios"},
                                                        {"ExponentPushToken[abc]", "ios"},
                                                        {"ExponentPushToken[abc]", "android"},
                                                        {"ExpoPushToken[abc]", "ios"},
                                                        {"<" + apns + ">", "ios"},
                                                        {"a token", "web"},
                                                        {"tok\xC3\xA9n", "android"},
                                                        {"token\x7F", "android"}}) {
    const auto response = add(token, platform);
    INFO(token << " " << response.body);
    CHECK(response.status == 422);
    CHECK(response.body.find("FCM") != std::string::npos);
  }
  for (int byte = 0; byte < 0x20; ++byte) {
    INFO(byte);
    CHECK(add(std::string("tok") + static_cast<char>(byte) + "en", "android").status == 422);
  }
  CHECK(number_in(fixture.directory.file(), "SELECT count(*) FROM devices") == 0);
  CHECK(add("dGhlIGlk:APA91b-fcm_token", "ios").status == 200);
  CHECK(add(apns, "android").status == 200);  // on Android, hex proves nothing
}

TEST_CASE("an app hears that another user has had its device meanwhile", "[api][devices]") {
  ApiFixture fixture;
  const auto add = [&](const User& user) {
    const auto response =
        fixture.call("POST", "/api/v1/devices", user, {{"token", "t1"}, {"platform", "android"}});
    REQUIRE(response.status == 200);
    return data_of(response);
  };
  const json as_ever{{"registered", true}};
  const json taken{{"registered", true}, {"takenOver", true}};
  CHECK(add(fixture.customer) == as_ever);
  CHECK(add(fixture.customer) == as_ever);
  CHECK(add(fixture.customer2) == taken);
  CHECK(add(fixture.customer2) == as_ever);
  CHECK(add(fixture.customer) == taken);  // the app's next start
  CHECK(add(fixture.customer) == as_ever);
  CHECK(fixture.metrics.push_devices_taken_over.value() == 2);
}
