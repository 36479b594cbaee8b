// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>

namespace {
std::atomic<int> sync_count{0};
}  // namespace

// These take the place of the C library's for SQLite, too: what it says to have synced is counted.
extern "C" int fdatasync(int fildes) {
  ++sync_count;
  return static_cast<int>(syscall(SYS_fdatasync, fildes));
}

extern "C" int fsync(int fd) {
  ++sync_count;
  return static_cast<int>(syscall(SYS_fsync, fd));
}

namespace order_server {
namespace {

std::atomic<int> writes_left{-1};  // before the disk is full; -1: it never is

ssize_t write_until_full(int file, const void* data, size_t size, off_t offset) {
  if (writes_left == 0) {
    errno = ENOSPC;
    return -1;
  }
  if (writes_left > 0) --writes_left;
  return pwrite(file, data, size, offset);
}

/// Puts a disk of limited patience under SQLite; takes it away at the end of its scope.
class FailingDisk {
 public:
  FailingDisk() { set(reinterpret_cast<sqlite3_syscall_ptr>(&write_until_full)); }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk(FailingDisk&&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  FailingDisk& operator=(FailingDisk&&) = delete;
  ~FailingDisk() {
    writes_left = -1;
    set(nullptr);
  }

 private:
  static void set(sqlite3_syscall_ptr call) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"pwrite", "pwrite64"}) vfs->xSetSystemCall(vfs, name, call);
  }
};

ChangeResult confirm(SqliteStore& store, const std::string& id) {
  return store.change_order(
      id, [](const Order& order) { return decide_status(order, OrderStatus::confirmed); }, 2000);
}

/// How often `action` waited for the disk.
template <class Action>
int syncs_of(Action action) {
  const int before = sync_count;
  action();
  return sync_count - before;
}

}  // namespace

TEST_CASE("each change waits for the disk, and the outbox's bookkeeping does not", "[store]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  add_sample_shop(store);
  store.create_order(sample_order("o-0"));
  CHECK(syncs_of([&] { store.create_order(sample_order("o-1")); }) >= 1);
  CHECK(syncs_of([&] { confirm(store, "o-1"); }) >= 1);
  CHECK(syncs_of([&] { store.mark_broadcast({1, 2}); }) == 0);
  CHECK(syncs_of([&] { store.prune_outbox(5000, 1); }) == 0);
  // The bookkeeping before it must not make a change any less durable.
  CHECK(syncs_of([&] { confirm(store, "o-0"); }) >= 1);
}

TEST_CASE("a store told to survive crashes only does not wait for the disk", "[store]") {
  TempDir dir;
  SqliteOptions options = options_for(dir.file());
  options.durability = Durability::process_crash;
  SqliteStore store(options);
  add_sample_shop(store);
  store.create_order(sample_order("o-0"));
  CHECK(syncs_of([&] { confirm(store, "o-0"); }) == 0);
}

TEST_CASE("a change that fails at any write of its commit leaves the order as it was", "[store]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  const FailingDisk disk;
  int failures = 0;
  for (bool is_done = false; !is_done; ++failures) {
    REQUIRE(failures < 100);
    writes_left = failures;
    try {
      confirm(store, "o-1");
      is_done = true;
    } catch (const StoreError& error) {
      CHECK_THAT(error.what(), Catch::Matchers::Contains("full"));
      writes_left = -1;
      const auto order = store.find_order("o-1");
      CHECK(order->version == 1);
      CHECK(order->status_logs.size() == 1);
      CHECK(store.outbox_stats(0).depth == 1);
    }
  }
  writes_left = -1;
  CHECK(failures > 2);  // the disk has failed, and at different places
  const auto order = store.find_order("o-1");
  CHECK(order->version == 2);
  CHECK(order->status_logs.size() == 2);
  CHECK(store.pending_broadcasts(10).size() == 2);
}

}  // namespace order_server
