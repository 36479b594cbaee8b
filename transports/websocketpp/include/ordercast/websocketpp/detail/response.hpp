// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/response_writer.hpp>

#include <websocketpp/http/constants.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>

#include <ctime>
#include <string>

/// websocketpp's policy for responses, on our own writer. The connection's thread only.
namespace ordercast::websocketpp::detail {

/// `config::response_type`. Sends bytes that `write_response` made. Answers by websocketpp itself
/// (a failed handshake) are plain text.
class Response : public ::websocketpp::http::parser::response {
 public:
  /// Sets the whole response, not just its body: a connection lets its handlers set only this text.
  void set_body(const std::string& wire) { wire_ = wire; }

  [[nodiscard]] std::string raw() const {
    if (!wire_.empty()) return wire_;
    if (get_status_msg().rfind("HTTP/1.1 ", 0) == 0) return get_status_msg();  // From Request.
    if (get_status_code() == ::websocketpp::http::status_code::switching_protocols) {
      // websocketpp would write it through a stream, which loses text when memory runs out.
      std::string wire = "HTTP/1.1 101 Switching Protocols\r\n";
      for (const auto& [name, value] : get_headers()) {
        wire.append(name).append(": ").append(value).append("\r\n");
      }
      return wire.append("\r\n");
    }
    return net::write_response(net::error_response(static_cast<int>(get_status_code())), false,
                               std::time(nullptr));
  }

 private:
  std::string wire_;
};

}  // namespace ordercast::websocketpp::detail
