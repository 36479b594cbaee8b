// SPDX-License-Identifier: MIT
#include <ordercast/detail/interest.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using ordercast::detail::Interest;
using ordercast::detail::ShardInterest;
using Kind = Interest::Kind;

TEST_CASE("interest names the shards that have added a key, and only those", "[interest]") {
  Interest interest;
  CHECK(interest.of(Kind::order, "o") == 0);
  interest.add(3, Kind::order, "o");
  interest.add(5, Kind::order, "o");
  interest.add(1, Kind::user, "o");
  CHECK(interest.of(Kind::order, "o") == (Interest::bit_of(3) | Interest::bit_of(5)));
  CHECK(interest.of(Kind::user, "o") == Interest::bit_of(1));
  CHECK(interest.of(Kind::organization, "o") == 0);
  CHECK(interest.of(Kind::order, "p") == 0);
  interest.remove(3, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == Interest::bit_of(5));
  interest.remove(5, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == 0);
}

TEST_CASE("interest that was added twice ends when it is removed twice", "[interest]") {
  Interest interest;
  interest.add(0, Kind::order, "o");
  interest.add(0, Kind::order, "o");
  interest.remove(0, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == Interest::bit_of(0));
  interest.remove(0, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == 0);
  interest.remove(0, Kind::order, "o");  // Nothing is left to remove.
  CHECK(interest.of(Kind::order, "o") == 0);
}

TEST_CASE("shards beyond the bits share the last one", "[interest]") {
  Interest interest;
  interest.add(63, Kind::order, "o");
  interest.add(64, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == Interest::bit_of(63));
  interest.remove(63, Kind::order, "o");
  CHECK(interest.of(Kind::order, "o") == Interest::bit_of(1000));
}

TEST_CASE("many keys of many shards come and go on their threads", "[interest]") {
  const auto interest = std::make_shared<Interest>();
  constexpr std::uint32_t shards = 4;
  constexpr int keys = 300;
  std::vector<std::thread> threads;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    threads.emplace_back([&interest, shard, mine = ShardInterest(interest, shard)] {
      for (int round = 0; round < 3; ++round) {
        for (int key = 0; key < keys; ++key) mine.add(Kind::order, std::to_string(key));
        for (int key = 0; key < keys; ++key) {
          // What one shard has added stays whatever the others do.
          if ((interest->of(Kind::order, std::to_string(key)) & Interest::bit_of(shard)) == 0)
            return;
          if (round < 2 || key % 2 == 0) mine.remove(Kind::order, std::to_string(key));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (int key = 0; key < keys; ++key) {
    CHECK(interest->of(Kind::order, std::to_string(key)) == (key % 2 == 0 ? 0U : 0b1111U));
  }
}
