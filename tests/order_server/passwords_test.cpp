// SPDX-License-Identifier: MIT
#include "domain/passwords.hpp"

#include "../support/lowered_limit.hpp"
#include "domain/sodium.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace order_server {
namespace {

/// The hash of "password" by libsodium's crypto_pwhash_str.
constexpr const char* of_libsodium =
    "$argon2id$v=19$m=65536,t=2,p=1$B1DbliNP/ApCw6WIpd9aIg$"
    "AbYVhXS+Gp0lNmlx7aEWWlua8r7I7QjzjNMNDHBglJE";

// A sanitizer ends the process if it gets no memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_can_end = false;
#else
constexpr bool memory_can_end = true;
#endif

/// Gives the process no new memory for as long as it lives, where `memory_can_end`.
class NoMoreMemory {
 public:
  NoMoreMemory() {
    if (memory_can_end) limit_.emplace(RLIMIT_AS, 1);
  }

 private:
  std::optional<ordercast::test::LoweredLimit> limit_;
};

}  // namespace

TEST_CASE("a password is verified by its hash and no other password is", "[passwords]") {
  const PasswordHasher hasher(minimal_hash_cost);
  const std::string hash = hasher.hash("admin123");
  CHECK(hash.substr(0, 10) == "$argon2id$");
  CHECK(hasher.verify(hash, "admin123"));
  CHECK_FALSE(hasher.verify(hash, "admin124"));
  CHECK_FALSE(hasher.verify(hash, ""));
  CHECK(hasher.verify(hasher.hash(""), ""));
  CHECK(hasher.hash("admin123") != hash);
}

TEST_CASE("text that is no whole hash verifies no password", "[passwords]") {
  const PasswordHasher hasher(minimal_hash_cost);
  const std::string hash = hasher.hash("admin123");
  CHECK_FALSE(hasher.verify("", "admin123"));
  CHECK_FALSE(hasher.verify("not a hash", "admin123"));
  for (std::size_t length = 0; length < hash.size(); ++length) {
    CHECK_FALSE(hasher.verify(hash.substr(0, length), "admin123"));
  }
  CHECK_FALSE(hasher.verify(hash + "A", "admin123"));
  CHECK_FALSE(hasher.verify(hash + "$", "admin123"));
  const auto with = [&](const std::string& cost) {
    return "$argon2id$v=19$" + cost + hash.substr(hash.find('$', 15));
  };
  REQUIRE(hasher.verify(with("m=8,t=1,p=1"), "admin123"));
  for (const char* cost :
       {"m=7,t=1,p=1", "m=0,t=1,p=1", "m=8,t=0,p=1", "m=8,t=1,p=2", "m=-8,t=1,p=1",
        "m=99999999999,t=1,p=1", "m=,t=1,p=1", "t=1,m=8,p=1", "m=8,t=1,p=1,x=1"}) {
    CAPTURE(cost);
    CHECK_FALSE(hasher.verify(with(cost), "admin123"));
  }
}

TEST_CASE("hashes cost what logins need unless told otherwise", "[passwords]") {
  CHECK(PasswordHasher().hash("x").find("m=65536,t=2,p=1") != std::string::npos);
}

TEST_CASE("libsodium's hashes are ours and ours are libsodium's", "[passwords]") {
  require_sodium();
  const PasswordHasher hasher;
  CHECK(hasher.verify(of_libsodium, "password"));
  CHECK_FALSE(hasher.verify(of_libsodium, "passwore"));
  const std::string ours = hasher.hash("password");
  CHECK(crypto_pwhash_str_verify(ours.c_str(), "password", 8) == 0);
  CHECK(crypto_pwhash_str_needs_rehash(ours.c_str(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                       crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0);
}

TEST_CASE("a hash's memory serves the next one", "[passwords]") {
  const PasswordHasher hasher(minimal_hash_cost);
  REQUIRE(hasher.kept_memory() == 0);
  const std::string hash = hasher.hash("admin123");
  REQUIRE(hasher.kept_memory() == 1);
  const NoMoreMemory none;
  const bool good = hasher.verify(hash, "admin123");
  const bool bad = hasher.verify(hash, "admin124");
  CHECK(good);
  CHECK_FALSE(bad);
  CHECK(hasher.kept_memory() == 1);
}

TEST_CASE("a hash that wants more memory than is kept gets it", "[passwords]") {
  const PasswordHasher small(minimal_hash_cost);
  const std::string large = PasswordHasher({1, 64}).hash("admin123");
  CHECK(small.verify(small.hash("admin123"), "admin123"));
  CHECK(small.verify(large, "admin123"));
  CHECK(small.kept_memory() == 1);
}

TEST_CASE("a lack of memory is no wrong password", "[passwords]") {
  const PasswordHasher hasher(minimal_hash_cost);
  const std::string hash = hasher.hash("admin123");
  const PasswordHasher another(minimal_hash_cost);
  bool thrown = false;
  {
    const NoMoreMemory none;
    try {
      static_cast<void>(another.verify(hash, "admin123"));
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
  }
  CHECK(thrown == memory_can_end);
  CHECK(another.verify(hash, "admin123"));
}

TEST_CASE("threads that hash at once have memory each", "[passwords]") {
  const PasswordHasher hasher({3, 256});
  const std::string hash = hasher.hash("admin123");
  constexpr std::size_t count = 4;
  std::atomic<std::size_t> right{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const std::string password = i % 2 == 0 ? "admin123" : "admin124";
      for (int n = 0; n < 50; ++n) right += hasher.verify(hash, password) == (i % 2 == 0);
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == count * 50);
  CHECK(hasher.kept_memory() >= 1);
  CHECK(hasher.kept_memory() <= count);
}

TEST_CASE("a cost that argon2 does not know is refused by name", "[passwords]") {
  CHECK_THROWS_WITH(PasswordHasher({0, 8}).hash("x"),
                    "a password's hash takes at least 1 pass and 8 KiB");
  CHECK_THROWS_WITH(PasswordHasher({1, 7}).hash("x"),
                    "a password's hash takes at least 1 pass and 8 KiB");
}

}  // namespace order_server
