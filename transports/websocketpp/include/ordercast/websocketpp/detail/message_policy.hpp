// SPDX-License-Identifier: MIT
#pragma once

#include <websocketpp/frame.hpp>
#include <websocketpp/message_buffer/alloc.hpp>
#include <websocketpp/message_buffer/message.hpp>
#include <websocketpp/processors/base.hpp>

#include <cstddef>
#include <memory>
#include <string>

/// websocketpp's message policy. A prepared message is only read, so many connections on many
/// threads may send it at once. Any other message belongs to one connection.
///
/// A compressed message from a client stays compressed here: websocketpp takes it for a plain
/// binary one, and the transport inflates it.
namespace ordercast::websocketpp::detail {

class Message : public ::websocketpp::message_buffer::message<
                    ::websocketpp::message_buffer::alloc::con_msg_manager> {
  using Base =
      ::websocketpp::message_buffer::message<::websocketpp::message_buffer::alloc::con_msg_manager>;

 public:
  using ptr = std::shared_ptr<Message>;

  Message() : Base(nullptr) {}
  Message(::websocketpp::frame::opcode::value opcode, std::size_t size)
      : Base(nullptr, opcode, size) {}

  // websocketpp calls these by name, on this class.
  void set_compressed(bool deflated) noexcept { is_deflated_ = deflated; }
  [[nodiscard]] bool get_compressed() const noexcept { return false; }
  [[nodiscard]] ::websocketpp::frame::opcode::value get_opcode() const noexcept {
    return is_deflated_ ? ::websocketpp::frame::opcode::binary : Base::get_opcode();
  }

  /// Whether the payload is a client's compressed message.
  [[nodiscard]] bool is_deflated() const noexcept { return is_deflated_; }
  /// Whether the message is text, once it is inflated.
  [[nodiscard]] bool is_text() const noexcept {
    return Base::get_opcode() == ::websocketpp::frame::opcode::text;
  }

  /// The last step of building a frame; it corrects two of websocketpp's close codes. A length that
  /// is not in its shortest form is the client's error (RFC 6455 section 5.2), so 1002 instead of
  /// 1011. A close reason that is not UTF-8 is bad text (sections 5.5.1 and 8.1), so 1007 instead
  /// of 1002.
  void set_prepared(bool prepared) {
    static const std::string as_internal_error =
        "\x03\xF3" + ::websocketpp::processor::error::make_error_code(
                         ::websocketpp::processor::error::non_minimal_encoding)
                         .message();
    if (get_opcode() == ::websocketpp::frame::opcode::close && get_payload() == as_internal_error) {
      get_raw_payload()[1] = '\xEA';
    }
    static const std::string as_protocol_error = "\x03\xEAInvalid close reason";
    if (get_opcode() == ::websocketpp::frame::opcode::close && get_payload() == as_protocol_error) {
      get_raw_payload()[1] = '\xEF';
    }
    Base::set_prepared(prepared);
  }

 private:
  bool is_deflated_ = false;
};

/// Makes messages and keeps none.
class MessageManager {
 public:
  using ptr = std::shared_ptr<MessageManager>;

  [[nodiscard]] Message::ptr get_message() const { return std::make_shared<Message>(); }
  [[nodiscard]] Message::ptr get_message(::websocketpp::frame::opcode::value opcode,
                                         std::size_t size) const {
    return std::make_shared<Message>(opcode, size);
  }
};

}  // namespace ordercast::websocketpp::detail
