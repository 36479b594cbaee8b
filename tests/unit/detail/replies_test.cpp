// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/slow_store.hpp"

#include <catch2/catch.hpp>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::ManagerParts;
using test::SlowStore;

TEST_CASE("an error tells the observer, a refusal counts against the client as well", "[replies]") {
  Limits limits;
  limits.abuse_threshold = 2;
  ManagerParts parts(limits);
  const auto slot = parts.open(1);
  const ErrorMessage error{ErrorCode::bad_message, "No", {}};
  for (int i = 0; i < 5; ++i) parts.replies.send_error(slot, error);
  CHECK(parts.world->errors[ErrorCode::bad_message] == 5);
  CHECK_FALSE(parts.transport[1].closed);
  parts.replies.refuse(slot, error);
  CHECK_FALSE(parts.transport[1].closed);
  CHECK(parts.transport[1].received.size() == 6);
  parts.replies.refuse(slot, error);
  CHECK(parts.transport[1].code == CloseCode::policy_violation);
  CHECK(parts.transport[1].received.size() == 6);
}

TEST_CASE("one pong that waits answers all pings before it, and of equal errors one waits",
          "[manager][debts]") {
  Limits limits;
  limits.max_outbox_messages = 3;
  limits.messages_per_second = 1;
  limits.message_burst = 20;
  SlowStore s(limits);
  s.transport.high_water = 1;
  s.transport[1].reads = false;
  for (int i = 0; i < 40; ++i) s.manager.on_message(1, i % 2 == 0 ? R"({"type":"ping"})" : "{}");
  CHECK_FALSE(s.transport[1].closed);
  s.transport[1].reads = true;
  s.read_all();
  CHECK(s.count("pong") == 2);
  CHECK(s.count("bad_message") == 1);
  CHECK(s.count("rate_limited") == 1);
}
