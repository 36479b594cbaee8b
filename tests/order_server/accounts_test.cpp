// SPDX-License-Identifier: MIT
#include "api_fixture.hpp"
#include "auth/account_watch.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace order_server;

namespace {

int login_status(ApiFixture& fixture, const std::string& password) {
  return fixture
      .call_anonymously("POST", "/api/v1/auth/login",
                        {{"email", "customer@example.com"}, {"password", password}})
      .status;
}

int refresh_status(ApiFixture& fixture, const std::string& token) {
  return fixture.call_anonymously("POST", "/api/v1/auth/refresh", {{"refreshToken", token}}).status;
}

/// REST and /ws use the same object.
bool is_good(ApiFixture& fixture, const std::string& token) {
  return std::holds_alternative<ordercast::Identity>(fixture.tokens.authenticate(token));
}

/// A running server whose database an operator changes.
struct Watched {
  Watched() { watch.start(); }

  ApiFixture fixture;
  std::vector<std::pair<std::string, std::string>> closed;
  bool io_answers = true;
  AccountWatch watch{fixture.store, fixture.store, fixture.tokens,
                     [this](const std::string& user_id, std::string reason) {
                       if (io_answers) closed.emplace_back(user_id, std::move(reason));
                       return io_answers;
                     },
                     fixture.context.now_ms};
};

}  // namespace

TEST_CASE("disabling a user ends all that speaks for them, and nothing of others",
          "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  const auto phone = sign_in(fixture);
  const auto tablet = sign_in(fixture);
  const auto other = sign_in(fixture, "customer2@example.com");
  const auto unnamed = fixture.token_of(fixture.customer);
  const auto unnamed_refresh = fixture.tokens.issue_refresh(fixture.customer);
  fixture.store.add_device("customer", "phone", "web", 1000);
  fixture.store.add_device("customer2", "other", "web", 1000);
  watched.watch.look();
  REQUIRE(watched.closed.empty());

  REQUIRE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));
  watched.watch.look();
  for (const auto& token : {phone.access, tablet.access, unnamed}) {
    CHECK_FALSE(is_good(fixture, token));
  }
  for (const auto& token : {phone.refresh, tablet.refresh, unnamed_refresh}) {
    CHECK(refresh_status(fixture, token) == 401);
  }
  CHECK(watched.closed ==
        std::vector<std::pair<std::string, std::string>>{{"customer", "Account disabled"}});
  CHECK(number_in(fixture.directory.file(), "SELECT count(*) FROM devices") == 1);
  CHECK(login_status(fixture, "customer123") == 401);

  // A token that another holder of the secret signs afterwards, and one issued in the same second.
  CHECK_FALSE(is_good(fixture, fixture.token_of(fixture.customer)));
  fixture.wall += std::chrono::hours(48);
  CHECK_FALSE(is_good(fixture, fixture.token_of(fixture.customer)));
  fixture.wall -= std::chrono::hours(48);
  CHECK(is_good(fixture, other.access));
  CHECK(refresh_status(fixture, other.refresh) == 200);
  watched.watch.look();
  CHECK(watched.closed.size() == 1);  // once
}

TEST_CASE("a user who is enabled again signs in anew; what ended stays ended",
          "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  const auto before = sign_in(fixture);
  REQUIRE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));
  CHECK_FALSE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));
  watched.watch.look();
  fixture.wall += std::chrono::seconds(2);
  REQUIRE(fixture.store.set_disabled("customer", false, fixture.context.now_ms()));
  watched.watch.look();
  CHECK_FALSE(is_good(fixture, before.access));
  CHECK(refresh_status(fixture, before.refresh) == 401);
  const auto after = sign_in(fixture);
  CHECK(is_good(fixture, after.access));
  CHECK(refresh_status(fixture, after.refresh) == 200);
  CHECK_FALSE(fixture.store.set_disabled("nobody", true, 1));
}

TEST_CASE("nobody is given a token that the server still refuses", "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  REQUIRE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));
  watched.watch.look();
  REQUIRE(fixture.store.set_disabled("customer", false, fixture.context.now_ms()));
  CHECK(login_status(fixture, "customer123") == 503);  // not heard of yet
  watched.watch.look();
  CHECK(is_good(fixture, sign_in(fixture).access));
}

TEST_CASE("a new password ends the sign-ins of who knew the old one", "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  const auto before = sign_in(fixture);
  fixture.store.set_password("customer", fixture.hasher.hash("another password"),
                             fixture.context.now_ms());
  watched.watch.look();
  CHECK_FALSE(is_good(fixture, before.access));
  CHECK(refresh_status(fixture, before.refresh) == 401);
  CHECK(watched.closed ==
        std::vector<std::pair<std::string, std::string>>{{"customer", "Signed out"}});
  CHECK(login_status(fixture, "customer123") == 401);
  CHECK(login_status(fixture, "another password") == 200);
}

TEST_CASE("a call of a user whom an operator has just changed is refused, before any look",
          "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  fixture.context.refuse_changed_accounts = [&] { watched.watch.refuse_changed(); };
  const auto before = sign_in(fixture);
  const auto place = [&](const std::string& token) {
    return fixture.call_with_token("POST", "/api/v1/orders", token, fixture.order_request().dump())
        .status;
  };
  const auto read = [&](const std::string& token) {
    return fixture.call_with_token("GET", "/api/v1/orders", token, "").status;
  };
  REQUIRE(place(before.access) == 201);
  REQUIRE(read(before.access) == 200);
  SECTION("disabled") {
    REQUIRE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));
  }
  SECTION("with a new password") {
    fixture.store.set_password("customer", fixture.hasher.hash("another password"),
                               fixture.context.now_ms());
  }
  CHECK(read(before.access) == 401);
  CHECK(place(before.access) == 401);
  CHECK(fixture.commits == 1);
  CHECK(watched.closed.empty());
  watched.watch.look();
  CHECK_FALSE(watched.closed.empty());
  CHECK(place(fixture.token_of(fixture.customer2)) == 201);
}

TEST_CASE("a change whose sign-in ends while it waits for its turn is refused",
          "[accounts][sessions]") {
  Watched watched;
  auto& fixture = watched.fixture;
  fixture.context.refuse_changed_accounts = [&] { watched.watch.refuse_changed(); };
  const auto token = sign_in(fixture).access;
  fixture.before_job = [&] { fixture.store.set_disabled("customer", true, 1000); };
  CHECK(fixture.call_with_token("POST", "/api/v1/orders", token, fixture.order_request().dump())
            .status == 401);
  CHECK(fixture.commits == 0);
}

TEST_CASE("sockets that could not be closed are closed at the next look", "[accounts]") {
  Watched watched;
  REQUIRE(watched.fixture.store.set_disabled("customer", true, 1000));
  watched.io_answers = false;
  watched.watch.look();
  CHECK(watched.closed.empty());
  watched.io_answers = true;
  watched.watch.look();
  CHECK(watched.closed.size() == 1);
}

TEST_CASE("a server that starts knows who is disabled, and acts on nothing twice", "[accounts]") {
  Watched watched;
  auto& fixture = watched.fixture;
  const auto token = fixture.token_of(fixture.customer);
  REQUIRE(fixture.store.set_disabled("customer", true, fixture.context.now_ms()));

  Tokens tokens{[&] {
    TokenOptions options;
    options.secret = test_jwt_secret;
    options.now = [&] { return fixture.wall; };
    return options;
  }()};
  int closed = 0;
  AccountWatch next(
      fixture.store, fixture.store, tokens, [&](const auto&, const auto&) { return ++closed > 0; },
      fixture.context.now_ms);
  next.start();
  CHECK_FALSE(std::holds_alternative<ordercast::Identity>(tokens.authenticate(token)));
  next.look();
  CHECK(closed == 0);
}

TEST_CASE("many changes between two looks end as the last of each user says", "[accounts]") {
  Watched watched;
  auto& store = watched.fixture.store;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(store.set_disabled("customer", i % 2 == 0, 1000));
    REQUIRE(store.set_disabled("customer2", i % 2 == 0, 1000));
  }
  REQUIRE(store.set_disabled("customer2", true, 1000));
  watched.watch.look();
  CHECK(store.disabled_users() == std::vector<std::string>{"customer2"});
  CHECK_FALSE(is_good(watched.fixture, watched.fixture.token_of(watched.fixture.customer2)));
  watched.fixture.wall += std::chrono::seconds(2);
  CHECK(is_good(watched.fixture, watched.fixture.token_of(watched.fixture.customer)));
}

namespace {

/// Applies an operator's change during the hashing of a password, after the user was read.
class LateChange {
 public:
  static bool login_survives(const std::function<void(ApiFixture&)>& change) {
    ApiFixture fixture;
    // The API reads the clock after it has verified the password and before it writes the sign-in.
    bool is_done = false;
    const auto now_ms = fixture.context.now_ms;
    fixture.context.now_ms = [&, now_ms] {
      if (!std::exchange(is_done, true)) change(fixture);
      return now_ms();
    };
    return login_status(fixture, "customer123") == 200;
  }
};

}  // namespace

TEST_CASE("a sign-in that was under way when the user was changed comes to nothing",
          "[accounts][sessions]") {
  CHECK(LateChange::login_survives([](ApiFixture&) {}));
  CHECK_FALSE(LateChange::login_survives(
      [](ApiFixture& fixture) { fixture.store.set_disabled("customer", true, 1000); }));
  CHECK_FALSE(LateChange::login_survives([](ApiFixture& fixture) {
    fixture.store.set_password("customer", fixture.hasher.hash("another password"), 1000);
  }));
}
