// SPDX-License-Identifier: MIT
#pragma once

#include "order.hpp"
#include <ordercast/client/effects.hpp>

#include <memory>
#include <optional>
#include <string>

namespace order_watch {

/// The state of the connection.
struct Connection {
  ordercast::client::State state = ordercast::client::State::idle;
  ordercast::TimePoint retry_at{};
  std::string why;  ///< Why it is not live; may be empty.
};

/// Shows what happens. Every function returns false if the reader has gone.
class View {
 public:
  View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  virtual ~View() = default;

  virtual bool connection(const Connection& connection) = 0;
  /// A new order, or a newer version of one.
  virtual bool order(const Order& order) = 0;
  virtual bool changed(const ordercast::client::OrderHint& hint) = 0;
  virtual bool removed(const std::string& id, const std::string& why) = 0;
  virtual bool error(const ordercast::client::ServerError& error) = 0;
  /// Shows a note for people.
  virtual bool note(const std::string& text) = 0;
  /// Call after the others, once a second, and when the window's size changes.
  virtual bool refresh() { return true; }
};

/// Prints one JSON object a line on stdout.
[[nodiscard]] std::unique_ptr<View> make_json_view();
/// Prints one line an event: orders on stdout, everything else on stderr.
[[nodiscard]] std::unique_ptr<View> make_line_view();
/// Shows a live table on the terminal's alternate screen.
[[nodiscard]] std::unique_ptr<View> make_table_view(const std::string& server, bool color);

}  // namespace order_watch
