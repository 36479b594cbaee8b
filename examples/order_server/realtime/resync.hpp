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

/// Makes a node whole again that may have missed changes of other nodes.
namespace order_server {

/// An order that connections of this node watch, and the oldest version that one of them was sent.
struct WatchedVersion {
  std::string order_id;
  std::uint64_t version = 0;
};

/// A bounded part of what one shard's connections watch, and where the next part begins; 0: none.
template <class T>
struct Piece {
  std::vector<T> items;
  std::uint32_t next = 0;
};

/// What the comparison is made with. Every call may block, but only for a bounded time, and may
/// throw: then the same step is made again later.
struct ResyncWorld {
  std::size_t shards = 1;
  std::function<Piece<WatchedVersion>(std::size_t shard, std::uint32_t from, std::uint32_t most)>
      watched;
  std::function<Piece<std::string>(std::size_t shard, std::uint32_t from, std::uint32_t most)>
      users;
  /// Those of which a connection hears all orders; "" stands for every organization.
  std::function<std::vector<std::string>(std::size_t shard)> organizations;
  /// The store's versions of these orders, in any order; unknown ones are left out.
  std::function<std::vector<WatchedVersion>(const std::vector<std::string>& order_ids)> versions;
  /// Reads the order and sends it to who may see it.
  std::function<void(const std::string& order_id)> publish;
  /// Tells those who see a list of the user's, or the organization's, orders that it may be old.
  std::function<void(const std::string& user_id)> hint_user;
  std::function<void(const std::string& organization_id)> hint_organization;
};

struct ResyncOptions {
  /// Orders that are compared in one step.
  std::uint32_t batch = 500;
  /// A comparison begins within this time at random, so that nodes don't ask the store together.
  std::chrono::milliseconds jitter{1'000};
  /// While the node doesn't hear, it compares again so long after it was done.
  std::chrono::milliseconds poll{5'000};
  /// Each order watched is compared at least so often, whatever happened; 0 is never.
  std::chrono::milliseconds interval{600'000};
  /// After a failure of the store; doubled with each further one.
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds last_backoff{5'000};
};

/// Asks the store for the versions of all orders that connections watch, a batch a step, and
/// publishes what is newer. What a connection has already it is not sent again.
///
/// One thread calls `step`; the other members may be called from any. It starts no thread and waits
/// for nothing: `step` says when it wants to be called next.
///
/// Why it is enough: it begins after the node has fallen behind. From there on the stream brings
/// what comes, or the node falls behind again and it begins anew. An order that is subscribed to
/// meanwhile is read from the store anyway.
class Resync {
 public:
  using TimePoint = ordercast::TimePoint;

  Resync(ResyncWorld world, ResyncOptions options, TimePoint now,
         std::uint64_t seed = std::random_device{}());

  /// Something may have been missed: compare everything.
  void fell_behind(std::string_view reason);
  /// Whether the stream is heard. Hearing again asks for one more comparison: what was committed
  /// just before may be published much later.
  void set_hearing(bool hears);

  /// Does what is due, at most one batch. Returns when to be called again at the latest.
  TimePoint step(TimePoint now);

  /// Why the node may lack changes; nullopt when it is whole.
  [[nodiscard]] std::optional<std::string> behind() const;

  struct Counts {
    std::uint64_t begun = 0;      ///< Comparisons of everything that were asked for.
    std::uint64_t completed = 0;  ///< And those done.
    std::uint64_t compared = 0;   ///< Orders.
    std::uint64_t newer = 0;      ///< Orders that had to be published.
    std::uint64_t failures = 0;   ///< Steps that the store or an I/O thread could not do.
  };
  [[nodiscard]] Counts counts() const;

 private:
  enum class Kind : std::uint8_t {
    asked,  ///< Something may have been missed: orders and all lists.
    poll,   ///< The stream isn't heard: orders and the lists of organizations.
    timer,  ///< Nothing has happened: orders, spread.
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
  // Guarded.
  std::uint64_t asked_ = 0;  // Grows with each reason to compare.
  std::uint64_t done_ = 0;   // As far as a comparison that has ended covers it.
  std::string reason_;
  bool hears_ = true;
  Counts counts_;

  // Of the thread that steps.
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
