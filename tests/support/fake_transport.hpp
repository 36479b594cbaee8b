// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A Transport without sockets: it keeps what each connection was sent, and is as slow as the test
/// says. One thread at a time, but for `prepare`.
namespace ordercast::test {

class FakeTransport {
 public:
  using Handle = int;
  using Frame = std::shared_ptr<const std::string>;

  struct Peer {
    std::vector<std::string> received;  ///< Taken by the network.
    std::vector<Frame> buffered;        ///< Accepted, not yet taken.
    std::size_t buffered_bytes = 0;
    bool reads = true;  ///< False: what is sent stays buffered.
    bool wants_writable = false;
    bool closed = false;
    bool terminated = false;
    CloseCode code = CloseCode::normal;
    std::string reason;
    int pings = 0;
    int frames_after_close = 0;
  };

  /// Frames that were prepared by any transport so far.
  [[nodiscard]] static std::size_t prepared() noexcept { return prepared_.load(); }

  static Frame prepare(std::string text) {
    ++prepared_;
    return std::make_shared<const std::string>(std::move(text));
  }

  SendResult send(Handle handle, const Frame& frame) {
    Peer& peer = peers_[handle];
    if (peer.closed) {
      ++peer.frames_after_close;
      return SendResult::closed;
    }
    if (!peer.reads) {
      if (peer.buffered_bytes >= high_water) {
        peer.wants_writable = true;
        return SendResult::backpressure;
      }
      peer.buffered.push_back(frame);
      peer.buffered_bytes += frame->size();
      return SendResult::accepted;
    }
    if (record) peer.received.push_back(*frame);
    ++delivered;
    return SendResult::accepted;
  }

  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const {
    const auto found = peers_.find(handle);
    return found == peers_.end() ? 0 : found->second.buffered_bytes;
  }
  void ping(Handle handle) { ++peers_[handle].pings; }
  void close(Handle handle, CloseCode code, std::string_view reason) {
    Peer& peer = peers_[handle];
    peer.closed = true;
    peer.code = code;
    peer.reason = std::string(reason);
  }
  void terminate(Handle handle) {
    Peer& peer = peers_[handle];
    peer.closed = true;
    peer.terminated = true;
    peer.buffered.clear();
    peer.buffered_bytes = 0;
  }

  [[nodiscard]] Peer& operator[](Handle handle) { return peers_[handle]; }

  /// The network takes all that is buffered for a peer. True when the manager must be told that the
  /// connection is writable.
  [[nodiscard]] bool take(Handle handle) {
    Peer& peer = peers_[handle];
    for (const auto& frame : peer.buffered) peer.received.push_back(*frame);
    delivered += peer.buffered.size();
    peer.buffered.clear();
    peer.buffered_bytes = 0;
    return std::exchange(peer.wants_writable, false);
  }

  std::size_t high_water = 1024;
  std::size_t delivered = 0;
  bool record = true;  ///< False: count only, so that the fake itself allocates nothing.

 private:
  inline static std::atomic<std::size_t> prepared_{0};
  std::map<Handle, Peer> peers_;
};

}  // namespace ordercast::test
