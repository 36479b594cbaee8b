// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// The wires of one shard: a Transport that is as slow as the simulation says.
namespace ordercast::simulation {

/// A promise that did not hold.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws now and then while it is on, as memory that runs out does.
struct Chaos {
  std::mt19937* random = nullptr;
  bool on = false;
  std::size_t thrown = 0;
  void maybe() {
    if (!on || (*random)() % 40 != 0) return;
    ++thrown;
    throw std::bad_alloc();
  }
};

class Network {
 public:
  using Handle = int;

  /// A text as it would be sent. It counts its kind, so that what is held anywhere can be bounded.
  class Text {
   public:
    explicit Text(std::string value) : value_(std::move(value)) {
      ++alive_;
      alive_bytes_ += value_.size();
    }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    Text(Text&&) = delete;
    Text& operator=(Text&&) = delete;
    ~Text() {
      --alive_;
      alive_bytes_ -= value_.size();
    }
    [[nodiscard]] const std::string& value() const noexcept { return value_; }
    [[nodiscard]] static std::size_t alive() noexcept { return alive_; }
    [[nodiscard]] static std::size_t alive_bytes() noexcept { return alive_bytes_; }

   private:
    inline static std::size_t alive_ = 0;
    inline static std::size_t alive_bytes_ = 0;
    std::string value_;
  };
  using Frame = std::shared_ptr<const Text>;

  static constexpr std::size_t high_water = 512;

  /// Bytes of each wire that the kernel takes off the transport's hands before the peer reads them.
  std::size_t kernel_room = 0;
  /// The first promise that was broken. The manager takes what is thrown at it for a fault of one
  /// connection, so it can't be thrown from here.
  std::string broken;

  struct Wire {
    std::deque<Frame> buffered;   ///< In order; a null frame is a ping, which waits like any other.
    std::size_t bytes = 0;        ///< Not yet read, of all frames.
    std::size_t front_taken = 0;  ///< Bytes of the first frame that have been read.
    bool wants_writable = false;
    bool closed_by_server = false;
    bool gone = false;        ///< Terminated, or dropped by the network.
    bool terminated = false;  ///< By the server.
    bool wants_pong = false;
    CloseCode code = CloseCode::normal;
    std::string reason;
  };

  static Frame prepare(std::string text) { return std::make_shared<const Text>(std::move(text)); }
  SendResult send(Handle handle, const Frame& frame) {
    chaos.maybe();
    Wire& wire = wires[handle];
    if (wire.closed_by_server) breaks("a message was written after the close");
    if (wire.gone) return SendResult::closed;
    if (waiting(wire) >= high_water) {
      wire.wants_writable = true;
      return SendResult::backpressure;
    }
    wire.buffered.push_back(frame);
    wire.bytes += frame->value().size();
    return SendResult::accepted;
  }
  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const {
    return waiting(wires.at(handle));
  }
  [[nodiscard]] std::size_t unacknowledged_bytes(Handle handle) const {
    return wires.at(handle).bytes;
  }
  /// What the transport holds itself.
  [[nodiscard]] std::size_t waiting(const Wire& wire) const {
    return wire.bytes > kernel_room ? wire.bytes - kernel_room : 0;
  }
  void ping(Handle handle) { wires[handle].buffered.push_back(nullptr); }
  void close(Handle handle, CloseCode code, std::string_view reason) {
    Wire& wire = wires[handle];
    if (wire.closed_by_server) breaks("a connection was closed twice");
    wire.closed_by_server = true;
    wire.code = code;
    wire.reason = std::string(reason);
  }
  void terminate(Handle handle) {
    wires[handle].closed_by_server = true;
    wires[handle].gone = true;
    wires[handle].terminated = true;
  }

  Chaos chaos;  ///< Makes `send` throw.
  std::map<Handle, Wire> wires;

 private:
  void breaks(const char* promise) {
    if (broken.empty()) broken = promise;
  }
};

}  // namespace ordercast::simulation
