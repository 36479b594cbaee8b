// SPDX-License-Identifier: MIT
#include <ordercast/detail/flat_index.hpp>
#include <ordercast/detail/hash.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <random>

using ordercast::detail::FlatIndex;

namespace {

/// Keys whose hashes are all alike in their upper half, nearly alike, or spread.
std::uint64_t hash_of(std::uint32_t key, int kind) {
  if (kind == 0) return key;                 // All in the first slots.
  if (kind == 1) return 0xFFFF'FFFFU - key;  // All in the last ones: they run over the end.
  return ordercast::detail::hash_integer(key, 7);
}

}  // namespace

TEST_CASE("an index agrees with a map, wherever its hashes lie", "[index]") {
  for (const int kind : {0, 1, 2}) {
    INFO("hashes of kind " << kind);
    FlatIndex index;
    std::map<std::uint32_t, std::uint32_t> model;  // From a key to its id.
    std::mt19937 random(42);
    for (std::uint32_t step = 0; step < 6'000; ++step) {
      const auto key = static_cast<std::uint32_t>(random() % 300);
      const auto hash = hash_of(key, kind);
      const auto found = model.find(key);
      // An id says which key it is: ids of one key differ by 300.
      const auto is_key = [&](std::uint32_t id) { return id % 300 == key; };
      if (found == model.end()) {
        REQUIRE(index.find(hash, is_key) == FlatIndex::npos);
        index.reserve(1);
        index.insert(hash, key);
        model[key] = key;
      } else if (random() % 3 == 0) {
        index.replace(hash, found->second, found->second + 300);
        found->second += 300;
        REQUIRE(index.find(hash, is_key) == found->second);
      } else {
        REQUIRE(index.find(hash, is_key) == found->second);
        index.erase(hash, found->second);
        model.erase(found);
      }
      REQUIRE(index.size() == model.size());
    }
    for (const auto& [key, id] : model) index.erase(hash_of(key, kind), id);
    CHECK(index.memory_bytes() == 0);
  }
}

TEST_CASE("an index grows, and shrinks when it holds less", "[index]") {
  FlatIndex index;
  constexpr std::uint32_t most = 100'000;
  for (std::uint32_t id = 0; id < most; ++id) {
    index.reserve(1);
    index.insert(ordercast::detail::hash_integer(id, 3), id);
    REQUIRE(index.memory_bytes() * 3 >= index.size() * 8 * 4);  // Never more than 3/4 full ...
    if (id > 100)
      REQUIRE(index.memory_bytes() * 5 <= (index.size() + 2) * 8 * 5 * 5 / 3);  // or less than 3/5.
  }
  const auto full = index.memory_bytes();
  for (std::uint32_t id = 0; id < most - 100; ++id) {
    index.erase(ordercast::detail::hash_integer(id, 3), id);
  }
  CHECK(index.memory_bytes() * 100 < full);
  for (std::uint32_t id = most - 100; id < most; ++id) {
    CHECK(index.find(ordercast::detail::hash_integer(id, 3),
                     [&](std::uint32_t one) { return one == id; }) == id);
  }
}
