// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/deflated_frame.hpp>
#include <ordercast/net/deflater.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_head.hpp>
#include <ordercast/websocketpp/detail/message_policy.hpp>

#include <websocketpp/frame.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace ordercast::websocketpp::detail {

/// A server's message for any number of clients: the frame as it goes over the wire, and its
/// compressed form for those that agreed on it. Any thread.
class SharedMessage final : public Message {
 public:
  SharedMessage(net::Opcode opcode, std::string text) : SharedMessage() {
    const net::FrameHead head(opcode, text.size());
    opcode_ = opcode;
    head_bytes_ = head.bytes().size();
    // Header and payload in one piece: websocketpp counts only payloads, and one buffer is faster
    // to gather than two.
    get_raw_payload() = std::move(text.insert(0, head.bytes()));
  }

  [[nodiscard]] std::size_t message_bytes() const noexcept {
    return get_payload().size() - head_bytes_;
  }

  /// Returns the compressed form; null if the message should stay as it is. The first call
  /// compresses, and others wait for it.
  [[nodiscard]] const Message::ptr& deflated() const noexcept {
    if (message_bytes() < net::Deflater::least_bytes) return deflated_;
    std::call_once(once_, [this] {
      const auto text = std::string_view(get_payload()).substr(head_bytes_);
      const auto frame = net::make_deflated_frame(opcode_, text);
      if (frame.size() == 0) return;
      try {
        const std::shared_ptr<SharedMessage> form(new SharedMessage());
        form->get_raw_payload() = frame.bytes();
        deflated_ = form;
      } catch (...) {  // Out of memory.
      }
    });
    return deflated_;
  }

 private:
  SharedMessage() : Message(::websocketpp::frame::opcode::text, 0) { set_prepared(true); }

  net::Opcode opcode_ = net::Opcode::text;
  std::size_t head_bytes_ = 0;
  mutable std::once_flag once_;
  mutable Message::ptr deflated_;
};

}  // namespace ordercast::websocketpp::detail
