// SPDX-License-Identifier: MIT
#pragma once

#include "loop.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

/// Changes orders with PATCH over HTTP/1.1.
namespace ordercast::bench {

class Admin {
 public:
  /// `pipelined`: sends many requests on one connection, answered in order. Otherwise each request
  /// has its own connection.
  Admin(Loop& loop, std::uint16_t port, std::string token, bool pipelined);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  /// Adds a change to send with `flush`.
  void change(std::string_view order_id);
  /// Sends all added changes, in one write if the server supports pipelining.
  void flush();

  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }

 private:
  class Exchange;

  Loop& loop_;
  std::uint16_t port_;
  std::string token_;
  bool pipelined_;
  std::vector<std::string> waiting_;
  std::list<Exchange> exchanges_;
  std::vector<std::list<Exchange>::iterator> finished_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace ordercast::bench
