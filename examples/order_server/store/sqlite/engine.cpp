// SPDX-License-Identifier: MIT
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <utility>

/// The store's connections: leases of readers, transactions of the writer, and the write-ahead log
/// between them.
namespace order_server {

using sqlite::Access;
using sqlite::Connection;
using sqlite::Query;
using sqlite::Transaction;

namespace {

/// How long a log that could not be emptied is left alone.
constexpr std::chrono::milliseconds emptying_interval{100};

}  // namespace

void SqliteStore::set_durability(Durability durability) {
  if (writer_has_ == durability) return;
  writer_has_.reset();  // unknown until the pragma has worked
  writer_.execute(durability == Durability::power_loss ? "PRAGMA synchronous = FULL"
                                                       : "PRAGMA synchronous = NORMAL");
  writer_has_ = durability;
}

void SqliteStore::make_room(Durability durability) {
  const std::int64_t bytes = files_.log_bytes();
  if (max_log_bytes_ == 0 || bytes <= max_log_bytes_ / 4) return;
  const std::int64_t most = durability == Durability::power_loss || durability == durability_
                                ? max_log_bytes_ / 8 * 7
                                : max_log_bytes_;
  const auto now = std::chrono::steady_clock::now();
  if (bytes < most && now < next_emptying_) return;
  if (empty_log()) return;
  next_emptying_ = now + emptying_interval;
  if (files_.log_bytes() < most) return;
  throw StoreError("cannot write \"" + writer_.file() + "\": its write-ahead log has " +
                   std::to_string(bytes) +
                   " bytes and can't be emptied, as a reader (a backup, a shell) keeps a "
                   "transaction open; writing goes on when it ends");
}

bool SqliteStore::empty_log() {
  const ReaderPool::Pause pause(readers_);
  try {
    // A reader of another process may stay open for ever, and writers wait meanwhile.
    writer_.set_busy_timeout(std::chrono::milliseconds(0));
    Query result = writer_.query("PRAGMA wal_checkpoint(TRUNCATE)");
    const bool is_empty = result.next() && result.integer(0) == 0;
    writer_.set_busy_timeout(busy_timeout_);
    return is_empty;
  } catch (const StoreError&) {
    // A full disk, for instance. The next change fails in the same way, or has room in the log.
    writer_.set_busy_timeout(busy_timeout_);
    return false;
  }
}

SqliteStore::SqliteStore(const SqliteOptions& options)
    : durability_(options.durability),
      busy_timeout_(options.busy_timeout),
      max_log_bytes_(options.max_log_bytes),
      files_(options.file, options.exclusive),
      writer_(options.file, Access::read_write_create, options.busy_timeout),
      readers_(options.turn_timeout, [this] { files_.mend_index(); }),
      group_(writer_, options.turn_timeout, options.durability,
             {[this](Durability durability) {
                files_.require_in_place();
                make_room(durability);
                set_durability(durability);
              },
              [this] { files_.require_in_place_after_commit(); }}) {
  sqlite::require_own_or_empty(writer_);
  {
    Query mode = writer_.query("PRAGMA journal_mode = WAL");
    if (!mode.next() || mode.text(0) != "wal") {
      throw StoreError("cannot use \"" + options.file + "\": no write-ahead log is possible there");
    }
  }
  writer_.execute("PRAGMA foreign_keys = ON");
  if (options.max_pages > 0) {
    const std::string sql = "PRAGMA max_page_count = " + std::to_string(options.max_pages);
    writer_.execute(sql.c_str());
  }
  sqlite::update_schema(writer_);
  for (std::size_t i = 0; i < std::max<std::size_t>(options.readers, 1); ++i) {
    readers_.add(
        std::make_unique<Connection>(options.file, Access::query_only, options.busy_timeout));
  }
  files_.remember(writer_);
  if (options.exclusive) notice_restored();
  // So that this database can be opened without the log, if that is lost.
  if (options.exclusive) empty_log();
  epoch_ = epoch();
}

SqliteStore::~SqliteStore() {
  // The last connection to close would copy a log with holes into the database.
  if (files_.is_overwritten()) writer_.keep_log_at_close();
}

void SqliteStore::notice_restored() {
  const std::string file = files_.birth();
  std::string before;
  {
    Query query = writer_.query("SELECT value FROM meta WHERE name = 'served_as'");
    if (query.next()) before = query.text(0);
  }
  if (file == before) return;
  Write write(*this, durability_);
  // A store that no program has served before, or an older one, has the epoch that it was made
  // with.
  if (!before.empty()) {
    write->execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE name = 'epoch'");
  }
  Query query = write->query("INSERT OR REPLACE INTO meta (name, value) VALUES ('served_as', ?)");
  query.bind(1, file);
  query.run();
  write.commit();
}

void SqliteStore::require_own_epoch() {
  const ReaderPool::Lease reader(readers_);
  reader->execute("PRAGMA shrink_memory");  // or it would be asked of the cache
  {
    Query meta = reader->query("SELECT value FROM meta WHERE name = 'epoch'");
    if (meta.next() && meta.text(0) == epoch_) return;
  }
  files_.note_overwritten();
  files_.require_in_place();
}

void SqliteStore::check() {
  files_.require_in_place();
  require_own_epoch();
  if (max_log_bytes_ == 0 || files_.log_bytes() < max_log_bytes_ / 8 * 7) return;
  const sqlite::GroupWriter::Turn turn(group_);
  make_room(Durability::power_loss);
}

}  // namespace order_server
