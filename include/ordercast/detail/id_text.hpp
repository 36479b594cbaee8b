// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

/// An id that a table owns: 32 bytes, with up to 31 bytes of text inline.
///
/// Database ids have 25 (cuid) to 36 characters (UUID). A `std::string` puts all of them on the
/// heap, where each costs a block of 48 bytes and a cache miss for each comparison. May throw
/// `std::bad_alloc` for longer texts. One thread at a time.
namespace ordercast::detail {

class IdText {
 public:
  IdText() noexcept = default;
  explicit IdText(std::string_view text) {
    if (text.size() < inline_size) {
      if (!text.empty()) std::memcpy(bytes_, text.data(), text.size());
      bytes_[last] = static_cast<char>(text.size());
      return;
    }
    char* const block = new char[text.size()];
    std::memcpy(block, text.data(), text.size());
    const std::size_t size = text.size();
    std::memcpy(bytes_, &block, sizeof block);
    std::memcpy(bytes_ + sizeof block, &size, sizeof size);
    bytes_[last] = on_heap;
  }
  IdText(IdText&& other) noexcept { swap(other); }
  IdText& operator=(IdText&& other) noexcept {
    IdText(std::move(other)).swap(*this);
    return *this;
  }
  IdText(const IdText&) = delete;
  IdText& operator=(const IdText&) = delete;
  ~IdText() {
    if (bytes_[last] == on_heap) delete[] view().data();
  }

  [[nodiscard]] std::string_view view() const noexcept {
    if (bytes_[last] != on_heap) return {bytes_, static_cast<std::size_t>(bytes_[last])};
    const char* block = nullptr;
    std::size_t size = 0;
    std::memcpy(&block, bytes_, sizeof block);
    std::memcpy(&size, bytes_ + sizeof block, sizeof size);
    return {block, size};
  }

 private:
  static constexpr std::size_t inline_size = 32;
  static constexpr std::size_t last = inline_size - 1;
  static constexpr char on_heap = -1;

  void swap(IdText& other) noexcept {
    char kept[inline_size];  // NOLINT(modernize-avoid-c-arrays)
    std::memcpy(kept, bytes_, inline_size);
    std::memcpy(bytes_, other.bytes_, inline_size);
    std::memcpy(other.bytes_, kept, inline_size);
  }

  alignas(std::uint64_t) char bytes_[inline_size] = {};  // The last: the size, or `on_heap`.
};

}  // namespace ordercast::detail
