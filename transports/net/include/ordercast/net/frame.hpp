// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>
#include <ordercast/net/close_reason.hpp>
#include <ordercast/net/frame_head.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>

/// Bytes as they go over the wire, and the frames that a server sends (RFC 6455 section 5.2).
///
/// A `Frame` is one allocation: reference count, size, bytes (or whose they are). Copying it is one
/// atomic increment; the bytes are immutable, so any number of threads may hold and read the same
/// ones. Building one is linear in the payload.
namespace ordercast::net {

// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): one assignment copies and moves.
class Frame {
 public:
  Frame() = default;
  Frame(const Frame& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Frame(Frame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Frame& operator=(Frame other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Frame() {
    if (block_ == nullptr || block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    Frame twin;
    twin.block_ = block_->twin;
    block_->~Block();
    ::operator delete(block_);
  }

  /// Copies both pieces, one after the other.
  [[nodiscard]] static Frame of(std::string_view first, std::string_view second = {}) {
    const auto size = first.size() + second.size();
    Frame frame;
    frame.block_ = new (::operator new(sizeof(Block) + size)) Block(size);
    if (!first.empty()) std::memcpy(frame.begin(), first.data(), first.size());
    if (!second.empty()) std::memcpy(frame.begin() + first.size(), second.data(), second.size());
    return frame;
  }

  /// The same for a whole message and its head.
  [[nodiscard]] static Frame of_message(const FrameHead& head, std::string_view message) {
    auto frame = of(head.bytes(), message);
    frame.block_->head_bytes = static_cast<std::uint8_t>(head.bytes().size());
    return frame;
  }

  /// Shares bytes that others hold too, without a copy.
  [[nodiscard]] static Frame sharing(std::shared_ptr<const std::string> bytes) {
    Frame frame;
    frame.block_ = new (::operator new(sizeof(Block))) Block(bytes->size());
    frame.block_->bytes = bytes->data();
    frame.block_->owner = std::move(bytes);
    return frame;
  }

  [[nodiscard]] const char* data() const noexcept {
    return block_ == nullptr ? nullptr : block_->bytes;
  }
  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  [[nodiscard]] std::string_view bytes() const noexcept { return {data(), size()}; }

  /// The message without its head; empty if this is no message.
  [[nodiscard]] std::string_view message() const noexcept {
    return block_ == nullptr || block_->head_bytes == 0 ? std::string_view{}
                                                        : bytes().substr(block_->head_bytes);
  }

  /// Returns the frame that `make()` returned at the first call; this one keeps it. `make` must not
  /// throw, and runs once, while other threads that call this wait. Not for an empty frame.
  template <class Make>
  [[nodiscard]] Frame twin(Make make) const noexcept {
    std::call_once(block_->twin_made, [&] {
      Frame made = make();
      block_->twin = std::exchange(made.block_, nullptr);
    });
    Frame twin;
    twin.block_ = block_->twin;
    if (twin.block_ != nullptr) twin.block_->references.fetch_add(1, std::memory_order_relaxed);
    return twin;
  }

  /// Whether both refer to the same bytes in memory.
  [[nodiscard]] bool is(const Frame& other) const noexcept { return block_ == other.block_; }

 private:
  struct Block {
    explicit Block(std::size_t count) noexcept
        : size(count), bytes(reinterpret_cast<const char*>(this + 1)) {}
    std::atomic<std::uint32_t> references{1};
    std::once_flag twin_made;
    std::size_t size;
    const char* bytes;                         // After this block, or the owner's.
    std::shared_ptr<const std::string> owner;  // Null: the block itself owns them.
    Block* twin = nullptr;                     // Holds one of its references.
    std::uint8_t head_bytes = 0;               // 0: no message.
  };

  [[nodiscard]] char* begin() noexcept { return reinterpret_cast<char*>(block_ + 1); }

  Block* block_ = nullptr;
};

/// A whole message, or a control frame, as a server sends it: final and not masked.
[[nodiscard]] inline Frame make_frame(Opcode opcode, std::string_view payload) {
  const FrameHead head(opcode, payload.size());
  const bool is_message = opcode == Opcode::text || opcode == Opcode::binary;
  return is_message ? Frame::of_message(head, payload) : Frame::of(head.bytes(), payload);
}

/// A close frame. A reason over 123 bytes is cut, between characters (RFC 6455 section 5.5).
[[nodiscard]] inline Frame make_close_frame(CloseCode code, std::string_view reason) {
  reason = cut_close_reason(reason);
  char payload[2 + max_close_reason_bytes];  // NOLINT(modernize-avoid-c-arrays)
  payload[0] = static_cast<char>(static_cast<std::uint16_t>(code) >> 8U);
  payload[1] = static_cast<char>(static_cast<std::uint16_t>(code) & 0xFFU);
  if (!reason.empty()) std::memcpy(payload + 2, reason.data(), reason.size());
  return make_frame(Opcode::close, {payload, 2 + reason.size()});
}

}  // namespace ordercast::net
