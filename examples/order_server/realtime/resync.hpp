// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Brings a node up to date that may have missed changes of other nodes.
namespace order_server {

/// An order that connections of this node watch, and the oldest version that one of them was sent.
struct WatchedVersion {
  std::string order_id;
  std::uint64_t version = 0;
};

/// A bounded part of what one shard's connections watch, and where the next part begins; 0 if there
/// is none.
template <class T>
struct Piece {
  std::vector<T> items;
  std::uint32_t next = 0;
};

/// What the comparison needs. Every call may block, for a bounded time. It may throw; then the same
/// step is repeated later.
struct ResyncWorld {
  std::size_t shards = 1;
  std::function<Piece<WatchedVersion>(std::size_t shard, std::uint32_t from, std::uint32_t most)>
      watched;
  std::function<Piece<std::string>(std::size_t shard, std::uint32_t from, std::uint32_t most)>
      users;
  /// The organizations of which a connection watches all orders; "" stands for every organization.
  std::function<std::vector<std::string>(std::size_t shard)> organizations;
  /// The store's versions of these orders, in any sequence; unknown ones are left out.
  std::function<std::vector<WatchedVersion>(const std::vector<std::string>& order_ids)> versions;
  /// Reads the order and sends it to who may see it.
  std::function<void(const std::string& order_id)> publish;
  /// Tells clients that show a list of the user's, or the organization's, orders that it may be out
  /// of date.
  std::function<void(const std::string& user_id)> hint_user;
  std::function<void(const std::string& organization_id)> hint_organization;
};

struct ResyncOptions {
  /// How many orders one step compares.
  std::uint32_t batch = 500;
  /// A comparison starts at random within this time, so that nodes don't ask the store all at once.
  std::chrono::milliseconds jitter{1'000};
  /// While the node does not hear the stream, it compares again this long after the last
  /// comparison.
  std::chrono::milliseconds poll{5'000};
  /// Each watched order is compared at least this often, whatever happens; 0 is never.
  std::chrono::milliseconds interval{600'000};
  /// How long to wait after a failure of the store. Each further failure doubles it.
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds last_backoff{5'000};
};

/// Asks the store for the versions of all orders that connections watch, one batch per step, and
/// publishes newer ones. A connection is not sent again what it has.
///
/// One thread calls `step`; any thread may call the other members. It starts no thread and waits
/// for nothing: `step` says when to call it next.
///
/// Why this is enough: it starts after the node has fallen behind. From then on the stream brings
/// every change, or the node falls behind again and the comparison starts again. A new subscription
/// reads its order from the store anyway.
class Resync {
 public:
  using TimePoint = ordercast::TimePoint;

  Resync(ResyncWorld world, ResyncOptions options, TimePoint now,
         std::uint64_t seed = std::random_device{}());

  /// Changes may have been missed: compares everything.
  void fell_behind(std::string_view reason);
  /// Notes whether the node hears the stream. When it hears it again, one more comparison follows,
  /// because a change that was committed just before may be published much later.
  void set_hearing(bool hears);

  /// Does what is due, at most one batch. Returns the latest time for the next call.
  TimePoint step(TimePoint now);

  /// Why the node may lack changes; nullopt if it doesn't.
  [[nodiscard]] std::optional<std::string> behind() const;

  struct Counts {
    std::uint64_t begun = 0;      ///< Full comparisons that were asked for.
    std::uint64_t completed = 0;  ///< Full comparisons that are done.
    std::uint64_t compared = 0;   ///< Orders.
    std::uint64_t newer = 0;      ///< Orders that had to be published.
    std::uint64_t failures = 0;   ///< Steps that failed in the store or on an I/O thread.
  };
  [[nodiscard]] Counts counts() const;

 private:
  enum class Kind : std::uint8_t {
    asked,  ///< changes may have been missed: orders and all lists
    poll,   ///< the stream is not heard: orders and the lists of organizations
    timer,  ///< nothing has happened: orders, spread over time
  };
  enum class Stage : std::uint8_t { idle, orders, organizations, users };

  void choose(TimePoint now);
  void begin(Kind kind, TimePoint when);
  void cover();
  [[nodiscard]] std::chrono::milliseconds pause_between_batches() const;
  void note_failure(TimePoint now, const char* what);
  void work();
  void compare_orders();
  void hint_organizations();
  void hint_users();
  void next_shard(Stage then);
  void complete(TimePoint now);
  [[nodiscard]] TimePoint when_due() const;
  [[nodiscard]] std::chrono::milliseconds random_up_to(std::chrono::milliseconds most);

  const ResyncWorld world_;
  const ResyncOptions options_;

  mutable std::mutex mutex_;
  // Guarded by the mutex.
  std::uint64_t asked_ = 0;  // Grows with each reason to compare.
  std::uint64_t done_ = 0;   // The value of `asked_` that a finished comparison covers.
  std::string reason_;
  bool hears_ = true;
  Counts counts_;

  // Used by the thread that calls `step`.
  std::mt19937_64 random_;
  Kind kind_ = Kind::timer;
  Stage stage_ = Stage::idle;
  std::uint64_t covers_ = 0;  // `asked_` when the comparison began.
  std::size_t shard_ = 0;
  std::uint32_t from_ = 0;
  std::uint64_t batches_ = 0;       // Of this comparison.
  std::uint64_t last_batches_ = 1;  // Of the last one that ended.
  std::uint64_t failed_in_a_row_ = 0;
  TimePoint not_before_;
  TimePoint completed_at_;
};

}  // namespace order_server
