// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/frame_parser.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace ordercast::asio {

/// Lends parsers to the connections of a loop: a connection needs one only while a message of its
/// client is incomplete. One thread.
class FrameParserPool {
 public:
  FrameParserPool() {
    spare_.reserve(max_spare);  // So that `give_back` can't fail.
  }

  /// How parsers are made from now on. Before the first connection.
  void set_options(net::FrameParserOptions options) noexcept { options_ = options; }

  [[nodiscard]] std::unique_ptr<net::FrameParser> take() {
    if (spare_.empty()) return std::make_unique<net::FrameParser>(options_);
    auto parser = std::move(spare_.back());
    spare_.pop_back();
    return parser;
  }
  void give_back(std::unique_ptr<net::FrameParser> parser) noexcept {
    if (spare_.size() == max_spare) return;
    parser->reset();
    spare_.push_back(std::move(parser));
  }

  /// Parsers that are kept for the next connections.
  [[nodiscard]] std::size_t spares() const noexcept { return spare_.size(); }

 private:
  static constexpr std::size_t max_spare = 64;

  net::FrameParserOptions options_;
  std::vector<std::unique_ptr<net::FrameParser>> spare_;
};

}  // namespace ordercast::asio
