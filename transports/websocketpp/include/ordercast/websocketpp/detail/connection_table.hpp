// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/websocketpp/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// The connections of one transport, and the handles by which others know them. One thread. All is
/// O(1), but for `for_each`.
namespace ordercast::websocketpp::detail {

/// A handle of a connection that was removed never means another one.
class ConnectionTable {
 public:
  using Handle = std::uint64_t;

  /// Adds a connection; `record.handle` is its handle then. If this throws, it is not added.
  void add(const Connection::ptr& connection) {
    if (free_.empty()) {
      slots_.emplace_back();
      free_.reserve(slots_.capacity());  // So that giving a slot back can't fail,
      lost_.reserve(slots_.capacity());  // nor can this.
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const auto index = free_.back();
    free_.pop_back();
    slots_[index].connection = connection;
    connection->record.handle = (Handle{++slots_[index].generation} << 32U) | index;
  }

  /// Returns nullptr for a handle that is stale.
  [[nodiscard]] Connection* find(Handle handle) const noexcept {
    const auto index = static_cast<std::uint32_t>(handle);
    if (index >= slots_.size() || slots_[index].generation != handle >> 32U) return nullptr;
    return slots_[index].connection.get();
  }

  /// Removes a connection, and returns the last of our references to it.
  Connection::ptr remove(const Connection& connection) noexcept {
    const auto index = static_cast<std::uint32_t>(connection.record.handle);
    free_.push_back(index);
    return std::exchange(slots_[index].connection, nullptr);
  }

  /// Remembers a connection that was closed without a word of websocketpp. It keeps its place until
  /// it is taken. Returns whether it is the only one.
  bool lose(const Connection& connection) noexcept {
    lost_.push_back(connection.record.handle);
    return lost_.size() == 1;
  }
  /// Removes the lost ones, those that `f(Connection&)` adds included, and calls `f` for each.
  template <class F>
  void take_lost(F&& f) {
    for (std::size_t i = 0; i < lost_.size(); ++i) {
      const auto connection = remove(*find(lost_[i]));
      f(*connection);
    }
    lost_.clear();  // Keeps its room, so that the next one can't fail.
  }

  /// Calls `f(Connection&)` for each, those that come meanwhile included. `f` may remove any.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (const auto connection = slots_[i].connection) f(*connection);
    }
  }

 private:
  /// The generation counts a slot's connections and is the upper half of the handle.
  struct Slot {
    Connection::ptr connection;
    std::uint32_t generation = 0;
  };

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Handle> lost_;
};

}  // namespace ordercast::websocketpp::detail
