// SPDX-License-Identifier: MIT
// Changes that share a commit: what each gets when the others, or the commit, fail.
#include "store/sqlite/group_writer.hpp"

#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace order_server {

using Catch::Matchers::Contains;
using sqlite::Connection;
using sqlite::GroupFailed;
using sqlite::GroupWriter;
using namespace std::chrono_literals;
using Company = GroupWriter::Company;

namespace {

/// A table of numbers, its writer, and threads that all wait before the first one commits.
class World {
 public:
  explicit World(std::chrono::milliseconds turn_timeout = 30s, Durability usual = power_loss)
      : writer(connection, turn_timeout, usual,
               {[this](Durability durability) {
                  begun.push_back(durability);
                  if (refuses_begin) throw StoreError("no room");
                },
                [this] {
                  ++commits;
                  if (refuses_commit) throw StoreError("the file is gone");
                }}) {
    connection.execute("PRAGMA journal_mode = MEMORY");
    connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, filler BLOB)");
  }

  static constexpr auto power_loss = Durability::power_loss;
  static constexpr auto process_crash = Durability::process_crash;

  void insert(std::int64_t number, Durability durability = power_loss,
              Company company = Company::shared) {
    GroupWriter::Change change(writer, durability, company);
    change.connection().query("INSERT INTO numbers (number) VALUES (?1)", number).run();
    change.commit();
  }
  /// Makes the database too large within a change, which SQLite answers by undoing all.
  void overflow() {
    GroupWriter::Change change(writer, power_loss);
    change.connection()
        .query("INSERT INTO numbers (number, filler) VALUES (-1, zeroblob(1000000))")
        .run();
    change.commit();
  }
  std::future<void> in_thread(std::function<void()> action) {
    auto result = std::async(std::launch::async, std::move(action));
    ++started_;
    while (writer.waiting() < started_) std::this_thread::yield();
    return result;
  }
  /// Runs `others` one after another, in one group with `first`: they wait for its turn to end.
  template <class First>
  std::vector<std::future<void>> together(std::vector<std::function<void()>> others, First first) {
    std::vector<std::future<void>> results;
    std::exception_ptr failure;
    try {
      GroupWriter::Change change(writer, power_loss);
      for (auto& other : others) results.push_back(in_thread(std::move(other)));
      first(change);
    } catch (const StoreError&) {
      failure = std::current_exception();
    }
    std::promise<void> own;
    failure ? own.set_exception(failure) : own.set_value();
    results.insert(results.begin(), own.get_future());
    for (const auto& result : results) REQUIRE(result.wait_for(30s) == std::future_status::ready);
    started_ = 0;
    return results;
  }

  std::string stored() {
    std::string all;
    auto query = connection.query("SELECT number FROM numbers ORDER BY number");
    while (query.next()) all += std::to_string(query.integer(0)) + " ";
    return all;
  }

  TempDir dir;
  Connection connection{dir.file(), sqlite::Access::read_write_create, 1s};
  std::vector<Durability> begun;
  int commits = 0;
  bool refuses_begin = false;
  bool refuses_commit = false;
  GroupWriter writer;

 private:
  std::size_t started_ = 0;
};

void insert(GroupWriter::Change& change, std::int64_t number) {
  change.connection().query("INSERT INTO numbers (number) VALUES (?1)", number).run();
}

}  // namespace

TEST_CASE("a change that nobody waits behind commits at once", "[store][group]") {
  World world;
  world.insert(1);
  CHECK(world.commits == 1);
  world.insert(2);
  CHECK(world.commits == 2);
  CHECK(world.stored() == "1 2 ");
}

TEST_CASE("changes that wait share one commit, and each answers when it is done",
          "[store][group]") {
  World world;
  std::atomic<int> too_early{0};
  std::vector<std::function<void()>> others;
  for (int i = 2; i <= 20; ++i) {
    others.emplace_back([&, i] {
      world.insert(i);
      if (world.commits != 1) ++too_early;
    });
  }
  auto results = world.together(std::move(others), [&](GroupWriter::Change& change) {
    insert(change, 1);
    change.commit();
    CHECK(world.commits == 1);
  });
  for (auto& result : results) CHECK_NOTHROW(result.get());
  CHECK(too_early == 0);
  CHECK(world.commits == 1);
  CHECK(world.stored() == "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ");
}

TEST_CASE("a group has a greatest size", "[store][group]") {
  World world;
  std::vector<std::function<void()>> others;
  for (std::size_t i = 0; i < GroupWriter::most_members + 9; ++i) {
    others.emplace_back([&world, i] { world.insert(static_cast<std::int64_t>(i)); });
  }
  auto results =
      world.together(std::move(others), [&](GroupWriter::Change& change) { change.commit(); });
  for (auto& result : results) CHECK_NOTHROW(result.get());
  CHECK(world.commits == 2);
}

TEST_CASE("a change that fails undoes itself only", "[store][group]") {
  World world;
  const auto fails = [&] {
    GroupWriter::Change change(world.writer, World::power_loss);
    insert(change, 7);
    throw StoreError("refused");
  };
  auto results = world.together({[&] { world.insert(2); }, fails, [&] { world.insert(3); }},
                                [&](GroupWriter::Change& change) {
                                  insert(change, 1);
                                  change.commit();
                                });
  int failed = 0;
  for (auto& result : results) {
    try {
      result.get();
    } catch (const StoreError& error) {
      CHECK(std::string(error.what()) == "refused");
      ++failed;
    }
  }
  CHECK(failed == 1);
  CHECK(world.stored() == "1 2 3 ");
  CHECK(world.commits == 1);
}

TEST_CASE("the first of a group may fail, and the last", "[store][group]") {
  World world;
  auto results = world.together({[&] { world.insert(2); }}, [&](GroupWriter::Change& change) {
    insert(change, 1);
    throw StoreError("refused");
  });
  CHECK_THROWS_WITH(results[0].get(), "refused");
  CHECK_NOTHROW(results[1].get());
  CHECK(world.stored() == "2 ");
  results = world.together({[&] {
                             GroupWriter::Change change(world.writer, World::power_loss);
                             insert(change, 4);
                             throw StoreError("refused");
                           }},
                           [&](GroupWriter::Change& change) {
                             insert(change, 3);
                             change.commit();
                           });
  CHECK_NOTHROW(results[0].get());
  CHECK_THROWS_WITH(results[1].get(), "refused");
  CHECK(world.stored() == "2 3 ");
}

TEST_CASE("where the database undoes the whole group, each member can try alone",
          "[store][group]") {
  World world;
  world.connection.execute("PRAGMA max_page_count = 20");
  auto results = world.together({[&] { world.overflow(); }}, [&](GroupWriter::Change& change) {
    insert(change, 1);
    change.commit();
  });
  CHECK_THROWS_AS(results[0].get(), GroupFailed);
  CHECK_THROWS_WITH(results[1].get(), Contains("full"));
  CHECK(world.stored().empty());
  world.insert(1, World::power_loss, Company::alone);
  CHECK(world.stored() == "1 ");
}

TEST_CASE("a commit that fails fails for all, and says why to a change alone", "[store][group]") {
  World world;
  world.refuses_commit = true;
  auto results = world.together({[&] { world.insert(2); }}, [&](GroupWriter::Change& change) {
    insert(change, 1);
    change.commit();
  });
  for (auto& result : results) {
    CHECK_THROWS_AS(result.get(), GroupFailed);
  }
  CHECK_THROWS_WITH(world.insert(3), "the file is gone");
  world.refuses_commit = false;
  CHECK_NOTHROW(world.insert(4));
}

TEST_CASE("a transaction that can't begin holds nobody up", "[store][group]") {
  World world;
  world.refuses_begin = true;
  CHECK_THROWS_WITH(world.insert(1), "no room");
  world.refuses_begin = false;
  CHECK_NOTHROW(world.insert(2));
  CHECK(world.stored() == "2 ");
}

TEST_CASE("a change that has to survive a power cut joins no group that does not",
          "[store][group]") {
  World world(30s, World::process_crash);  // Nobody is expected to need more.
  std::vector<std::future<void>> results;
  {
    GroupWriter::Change change(world.writer, World::process_crash);
    results.push_back(world.in_thread([&] { world.insert(2, World::power_loss); }));
    insert(change, 1);
    change.commit();
  }
  for (auto& result : results) result.get();
  CHECK(world.begun == std::vector{World::process_crash, World::power_loss});
  CHECK(world.commits == 2);
}

TEST_CASE("bookkeeping that others wait behind begins the group that they need", "[store][group]") {
  World world;
  std::vector<std::future<void>> results;
  {
    GroupWriter::Turn turn(world.writer);
    // Whichever comes first, the other one joins.
    results.push_back(world.in_thread([&] { world.insert(1, World::process_crash); }));
    results.push_back(world.in_thread([&] { world.insert(2, World::power_loss); }));
  }
  for (auto& result : results) result.get();
  CHECK(world.begun == std::vector{World::power_loss});
  CHECK(world.commits == 1);
}

TEST_CASE("a change that wants to be alone ends the group before it, and takes nobody in",
          "[store][group]") {
  World world;
  auto results = world.together(
      {[&] { world.insert(2, World::power_loss, Company::alone); }, [&] { world.insert(3); }},
      [&](GroupWriter::Change& change) {
        insert(change, 1);
        change.commit();
      });
  for (auto& result : results) CHECK_NOTHROW(result.get());
  CHECK(world.stored() == "1 2 3 ");
  CHECK(world.commits >= 2);
}

TEST_CASE("a turn without a change first ends the group that is open", "[store][group]") {
  World world;
  std::atomic<bool> was_outside{false};
  auto results = world.together({[&] {
                                  const GroupWriter::Turn turn(world.writer);
                                  was_outside = world.connection.is_autocommit();
                                }},
                                [&](GroupWriter::Change& change) {
                                  insert(change, 1);
                                  change.commit();
                                });
  for (auto& result : results) CHECK_NOTHROW(result.get());
  CHECK(was_outside);
  CHECK(world.stored() == "1 ");
}

TEST_CASE("who gets no turn in time leaves the group to those who have one", "[store][group]") {
  World world(1ms);
  GroupWriter::Change change(world.writer, World::power_loss);
  insert(change, 1);
  CHECK_THROWS_WITH(std::async(std::launch::async, [&] { world.insert(2); }).get(),
                    Contains("other changes have taken 1 ms"));
  change.commit();
  CHECK(world.commits == 1);
  CHECK(world.stored() == "1 ");
}

TEST_CASE("the watchdog sees how long a turn has lasted", "[store][group]") {
  World world;
  const auto later = [] { return std::chrono::steady_clock::now() + 10s; };
  CHECK(world.writer.held_for(later()) == 0ms);
  {
    GroupWriter::Change change(world.writer, World::power_loss);
    CHECK(world.writer.held_for(later()) >= 10s);
    change.commit();
    CHECK(world.writer.held_for(later()) == 0ms);
  }
  world.refuses_begin = true;
  CHECK_THROWS_AS(world.insert(1), StoreError);
  CHECK(world.writer.held_for(later()) == 0ms);
}

TEST_CASE("many threads whose changes fail now and then lose none and invent none",
          "[store][group]") {
  World world;
  constexpr int threads = 12;
  constexpr int each = 200;
  std::vector<std::thread> all;
  all.reserve(threads);
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&world, t] {
      for (int i = 0; i < each; ++i) {
        const std::int64_t number = t * each + i;
        if (number % 7 == 3) {
          GroupWriter::Change change(world.writer, World::power_loss);
          insert(change, number);  // Undone.
        } else if (number % 11 == 5) {
          world.insert(number, World::process_crash);
        } else {
          world.insert(number, World::power_loss,
                       number % 13 == 1 ? Company::alone : Company::shared);
        }
      }
    });
  }
  for (auto& thread : all) thread.join();
  std::string wanted;
  for (int number = 0; number < threads * each; ++number) {
    if (number % 7 != 3) wanted += std::to_string(number) + " ";
  }
  CHECK(world.stored() == wanted);
}

}  // namespace order_server
