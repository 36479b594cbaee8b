// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/models/choices.hpp"
#include <ordercast/net/handler_memory.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace ordercast;       // NOLINT(google-build-using-namespace)
using namespace ordercast::net;  // NOLINT(google-build-using-namespace)
using ordercast::test::FailingAllocation;

namespace {

/// The largest size that needs no heap.
std::size_t room() {
  std::size_t bytes = 0;
  for (;; ++bytes) {
    HandlerMemory memory;
    const auto before = test::allocations();
    memory.give_back(memory.take(bytes + 1));
    if (test::allocations() != before) return bytes;
  }
}

bool is_aligned(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory) % alignof(std::max_align_t) == 0;
}

}  // namespace

TEST_CASE("handlers up to the room's size need no heap, larger ones take it", "[handler_memory]") {
  const auto most = room();
  CHECK(most >= 256);  // What Asio makes of our handlers is smaller.
  HandlerMemory memory;
  for (const auto bytes : {std::size_t{0}, std::size_t{1}, most - 1, most}) {
    const FailingAllocation none(0, 1000);
    void* const taken = memory.take(bytes);
    CHECK(is_aligned(taken));
    memory.give_back(taken);
    CHECK_FALSE(none.fired());
  }
  {
    const FailingAllocation none(0);
    CHECK_THROWS_AS(memory.take(most + 1), std::bad_alloc);
  }
  void* const large = memory.take(most + 1);
  CHECK(is_aligned(large));
  const FailingAllocation none(0);
  void* const small = memory.take(most);  // The large one has left the room free.
  memory.give_back(large);
  memory.give_back(small);
}

TEST_CASE("a second handler takes the heap, and fails without harm to the first",
          "[handler_memory]") {
  HandlerMemory memory;
  void* const first = memory.take(64);
  std::memset(first, 0x5A, 64);
  {
    const FailingAllocation none(0);
    CHECK_THROWS_AS(memory.take(64), std::bad_alloc);
  }
  void* const second = memory.take(64);
  std::memset(second, 0, 64);
  CHECK(static_cast<unsigned char*>(first)[63] == 0x5A);
  memory.give_back(first);  // In the order of taking, not in reverse.
  void* const third = memory.take(64);
  CHECK(third == first);
  memory.give_back(second);
  {
    const FailingAllocation none(0);  // The room is still the third one's.
    CHECK_THROWS_AS(memory.take(1), std::bad_alloc);
  }
  memory.give_back(third);
}

TEST_CASE("whatever is taken and given back in any order, no two handlers share memory",
          "[handler_memory][model]") {
  struct Taken {
    unsigned char* bytes;
    std::size_t size;
    unsigned char mark;
  };
  const auto most = static_cast<unsigned>(room());
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    test::RandomChoices choices(seed, 400);
    HandlerMemory memory;
    std::vector<Taken> taken;
    const auto give_back = [&](std::size_t which) {
      const auto one = taken[which];
      for (std::size_t i = 0; i < one.size; ++i) test::same(one.bytes[i] == one.mark, "its own");
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
      memory.give_back(one.bytes);
    };
    bool fills = true;
    while (!choices.empty()) {
      if (choices.below(20) == 0) fills = !fills;  // Phases: fill, drain to one or to nothing.
      if (fills || taken.empty()) {
        const std::size_t size = 1 + choices.below(most + 40);
        auto* const bytes = static_cast<unsigned char*>(memory.take(size));
        const auto mark = static_cast<unsigned char>(choices.below(256));
        std::memset(bytes, mark, size);
        taken.push_back({bytes, size, mark});
      } else {
        give_back(choices.below(static_cast<unsigned>(taken.size())));
      }
    }
    while (!taken.empty()) give_back(taken.size() - 1);
    const FailingAllocation none(0);
    memory.give_back(memory.take(most));  // The room is free again.
    CHECK_FALSE(none.fired());
  }
}

TEST_CASE("memory that one thread has taken may be given back by the next", "[handler_memory]") {
  HandlerMemory memory;
  void* taken = memory.take(32);
  std::thread([&] {
    memory.give_back(taken);
    taken = memory.take(48);
  }).join();
  memory.give_back(taken);
  const FailingAllocation none(0);
  CHECK(memory.take(32) == taken);
}

TEST_CASE("allocators are equal if they share the memory, which lives as long as one of them",
          "[handler_memory]") {
  auto memory = std::make_shared<HandlerMemory>();
  const std::weak_ptr<HandlerMemory> watched = memory;
  HandlerAllocator<int> ints(memory);
  const HandlerAllocator<double> doubles(ints);
  const HandlerAllocator<int> others(std::make_shared<HandlerMemory>());
  CHECK(ints == doubles);
  CHECK(ints != others);
  memory.reset();
  auto* const two = ints.allocate(2);
  two[1] = 7;
  CHECK_FALSE(watched.expired());
  ints.deallocate(two, 2);
}

TEST_CASE("a size that no memory has is refused, not wrapped", "[handler_memory]") {
  HandlerAllocator<std::max_align_t> allocator(std::make_shared<HandlerMemory>());
  const auto most = static_cast<std::size_t>(-1) / sizeof(std::max_align_t);
  // Without the check, this many bytes are 0 after the multiplication.
  CHECK_THROWS_AS(allocator.allocate(most + 1), std::bad_alloc);
}

TEST_CASE("a handler that waits for itself again uses the same room, also when it throws",
          "[handler_memory]") {
  ::asio::io_context io;
  ::asio::post(io, [] {});  // What the loop allocates once.
  io.run();
  io.restart();
  const auto memory = std::make_shared<HandlerMemory>();
  int left = 100;
  struct Again {
    ::asio::io_context& io;
    std::shared_ptr<HandlerMemory> memory;
    int& left;
    void operator()() const {
      if (--left == 0) throw std::runtime_error("the last");
      const FailingAllocation none(0, 1000);
      ::asio::post(io, keep_memory(memory, *this));
    }
  };
  ::asio::post(io, keep_memory(memory, Again{io, memory, left}));
  CHECK_THROWS_AS(io.run(), std::runtime_error);
  CHECK(left == 0);
  const FailingAllocation none(0);
  memory->give_back(memory->take(1));  // The one that threw has given it back.
  CHECK_FALSE(none.fired());
}
