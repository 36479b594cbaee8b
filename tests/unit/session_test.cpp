// SPDX-License-Identifier: MIT
#include <ordercast/detail/route.hpp>
#include <ordercast/session.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

using ordercast::Session;

using Frame = std::shared_ptr<const std::string>;

TEST_CASE("an idle connection owns no more than its session and its route", "[session]") {
  static_assert(sizeof(ordercast::detail::Route<std::uint32_t>) <= 24);
  static_assert(sizeof(Session<Frame>) <= 72);
  const Session<Frame> session;
  CHECK(session.rare == nullptr);
  CHECK(session.stall == nullptr);
}

TEST_CASE("state that few connections have is made on demand and freed when empty", "[session]") {
  Session<Frame> session;
  CHECK(session.find_pending("order") == nullptr);
  session.release_rare_if_empty();
  Session<Frame>::Pending record;
  record.order_id = "order";
  record.request = 1;
  auto& pending = session.need_rare().pending.add(std::move(record));
  CHECK(session.find_pending("order") == &pending);
  CHECK(session.find_request(1) == &pending);

  session.rare->paying = true;  // The caller that sends owed orders comes back to it.
  session.erase_pending(pending);
  REQUIRE(session.rare != nullptr);
  session.rare->paying = false;
  session.rare->left.remember(1, 2, 0);
  session.release_rare_if_empty();
  REQUIRE(session.rare != nullptr);
  CHECK(session.rare->left.take(1) == 2);
  session.release_rare_if_empty();
  CHECK(session.rare == nullptr);
}
