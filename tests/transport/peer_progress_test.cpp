// SPDX-License-Identifier: MIT
#include <ordercast/net/peer_progress.hpp>

#include <catch2/catch.hpp>

using ordercast::net::PeerProgress;

TEST_CASE("a peer gets on when the kernel takes more or holds less", "[peer_progress]") {
  PeerProgress progress;
  CHECK(progress.note(100, 100));
  CHECK_FALSE(progress.note(100, 100));
  CHECK(progress.note(100, 60));  // It has acknowledged some.
  CHECK(progress.note(180, 140));
  CHECK(progress.written() == 180);
  CHECK_FALSE(progress.note(180, 140));
}

TEST_CASE("what the kernel holds at the start is no progress of the peer's", "[peer_progress]") {
  PeerProgress progress;
  CHECK(progress.note(100, 100));
  progress.restart();
  CHECK_FALSE(progress.note(100, 80));
  CHECK(progress.note(100, 79));
}
