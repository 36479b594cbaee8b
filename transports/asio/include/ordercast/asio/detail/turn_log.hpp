// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/frame.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

/// What all connections of a loop were sent in one turn: each frame once, in the order of sending,
/// and for each connection only which frames.
///
/// A broadcast hands the same frame to one connection after the other, so most connections are sent
/// a contiguous run of the log. A run is two numbers, with no reference count and no node, and all
/// runs pass parts of one array of slices to the kernel. A second array has the compressed form of
/// each frame at the same place, so that connections which get those share their runs too; it is
/// filled as far as one of them is sent something. One thread at a time.
namespace ordercast::asio::detail {

/// In which form a connection gets its frames.
enum class Lane : std::uint8_t { plain, deflated };

class TurnLog {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  /// Frames [first, first + count) of the log.
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  /// What one connection was sent: a run, and a list of further runs if there are gaps.
  struct Entry {
    std::uint32_t connection = 0;
    Run run;
    std::uint32_t more = npos;  ///< The first of the further runs.
    std::uint32_t last = npos;  ///< The last of them.
    Lane lane = Lane::plain;

    /// Nothing is left of it to write.
    [[nodiscard]] bool is_written() const noexcept { return run.count == 0; }
  };

  /// Starts a connection's entry with a frame; returns where it stands.
  std::uint32_t open(std::uint32_t connection, const net::Frame& frame, Lane lane = Lane::plain) {
    const auto at = append(frame, lane);
    entries_.push_back({connection, {at, 1}, npos, npos, lane});
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }

  /// Adds a frame to an entry. Amortised O(1), with the strong guarantee.
  void extend(std::uint32_t entry_at, const net::Frame& frame) {
    const auto at = append(frame, entries_[entry_at].lane);
    auto& entry = entries_[entry_at];
    auto& run = entry.last == npos ? entry.run : further_[entry.last].run;
    if (run.first + run.count == at) {
      ++run.count;
      return;
    }
    if (entry.is_written()) {
      run = {at, 1};
      return;
    }
    further_.push_back({{at, 1}, npos});
    const auto added = static_cast<std::uint32_t>(further_.size() - 1);
    (entry.last == npos ? entry.more : further_[entry.last].next) = added;
    entry.last = added;
  }

  /// Takes all frames out of an entry: they have been written, or wait elsewhere.
  void mark_written(std::uint32_t entry_at) noexcept {
    auto& entry = entries_[entry_at];
    entry.run.count = 0;
    entry.more = entry.last = npos;
  }

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  /// A frame in the form that goes to an entry's connection.
  [[nodiscard]] net::Frame frame(const Entry& entry, std::uint32_t at) const noexcept {
    return entry.lane == Lane::plain ? frames_[at] : net::deflated(frames_[at]);
  }
  /// The slices of all frames in this form, in the order of the log.
  [[nodiscard]] const iovec* slices(const Entry& entry) const noexcept {
    return entry.lane == Lane::plain ? slices_.data() : deflated_.data();
  }
  /// How many bytes the newest frame has in this form.
  [[nodiscard]] std::size_t newest_bytes(std::uint32_t entry_at) const noexcept {
    return slices(entries_[entry_at])[frames_.size() - 1].iov_len;
  }

  /// Calls `f(run)` for each run of an entry, in order.
  template <class F>
  void for_each_run(const Entry& entry, F&& f) const {
    f(entry.run);
    for (auto at = entry.more; at != npos; at = further_[at].next) f(further_[at].run);
  }

  /// The frames of an entry.
  [[nodiscard]] std::size_t count(const Entry& entry) const noexcept {
    std::size_t frames = 0;
    for_each_run(entry, [&](Run run) { frames += run.count; });
    return frames;
  }

  /// Whether two connections were sent the same frames in the same form. O(runs).
  [[nodiscard]] bool same_runs(const Entry& a, const Entry& b) const noexcept {
    if (a.lane != b.lane) return false;
    if (a.run.first != b.run.first || a.run.count != b.run.count) return false;
    auto one = a.more;
    auto other = b.more;
    while (one != npos && other != npos) {
      const auto& run = further_[one].run;
      const auto& beside = further_[other].run;
      if (run.first != beside.first || run.count != beside.count) return false;
      one = further_[one].next;
      other = further_[other].next;
    }
    return one == other;
  }

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  void clear() noexcept {
    entries_.clear();
    further_.clear();
    slices_.clear();
    deflated_.clear();
    frames_.clear();
  }

 private:
  struct Further {
    Run run;
    std::uint32_t next;
  };

  std::uint32_t append(const net::Frame& frame, Lane lane) {
    if (frames_.empty() || !frames_.back().is(frame)) {
      slices_.reserve(slices_.size() + 1 > slices_.capacity() ? 2 * slices_.size() + 16
                                                              : slices_.capacity());
      frames_.push_back(frame);
      // The kernel only reads, but iovec has no const.
      slices_.push_back({const_cast<char*>(frame.data()), frame.size()});
    }
    if (lane == Lane::deflated) deflate_newest();
    return static_cast<std::uint32_t>(frames_.size() - 1);
  }

  /// The slices before it that nobody has asked for stay empty. `frames_` keeps its bytes.
  void deflate_newest() {
    deflated_.resize(slices_.size());
    auto& slice = deflated_.back();
    if (slice.iov_base != nullptr) return;
    const auto frame = net::deflated(frames_.back());
    slice = {const_cast<char*>(frame.data()), frame.size()};
  }

  std::vector<Entry> entries_;
  std::vector<Further> further_;
  std::vector<net::Frame> frames_;
  std::vector<iovec> slices_;
  std::vector<iovec> deflated_;
};

}  // namespace ordercast::asio::detail
