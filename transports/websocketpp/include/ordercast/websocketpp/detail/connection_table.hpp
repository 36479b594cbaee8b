// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/websocketpp/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// The connections of one transport, and the handles by which others know them. One thread.
/// Everything but `for_each` is O(1).
namespace ordercast::websocketpp::detail {

/// The handle of a removed connection never means another one.
class ConnectionTable {
 public:
  using Handle = std::uint64_t;

  /// Adds a connection and sets its `record.handle`. If this throws, the connection is not added.
  void add(const Connection::ptr& connection) {
    if (free_.empty()) {
      slots_.emplace_back();
      free_.reserve(slots_.capacity());  // so that giving a slot back can't fail,
      lost_.reserve(slots_.capacity());  // and this neither
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const auto index = free_.back();
    free_.pop_back();
    slots_[index].connection = connection;
    connection->record.handle = (Handle{++slots_[index].generation} << 32U) | index;
  }

  /// Returns nullptr for a stale handle.
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

  /// Remembers a connection that closed without a call from websocketpp. It keeps its slot until
  /// `take_lost`. Returns whether it is the only one.
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
    lost_.clear();  // Keeps its memory, so that the next one can't fail.
  }

  /// Calls `f(Connection&)` for each, those that are added meanwhile included. `f` may remove any.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (const auto connection = slots_[i].connection) f(*connection);
    }
  }

 private:
  /// The generation counts the connections that a slot has had. It is the upper half of the handle.
  struct Slot {
    Connection::ptr connection;
    std::uint32_t generation = 0;
  };

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Handle> lost_;
};

}  // namespace ordercast::websocketpp::detail
