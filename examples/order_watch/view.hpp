// SPDX-License-Identifier: MIT
#pragma once

#include "order.hpp"
#include <ordercast/client/effects.hpp>

#include <memory>
#include <optional>
#include <string>

namespace order_watch {

/// What is known of the connection.
struct Connection {
  ordercast::client::State state = ordercast::client::State::idle;
  ordercast::TimePoint retry_at{};
  std::string why;  ///< Why it is not live; may be empty.
};

/// Shows what happens. Every function answers false when nobody reads any more.
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
  /// Something for people.
  virtual bool note(const std::string& text) = 0;
  /// Call after the others, and when a second has passed or the window has another size.
  virtual bool refresh() { return true; }
};

/// One JSON object a line, on stdout.
[[nodiscard]] std::unique_ptr<View> make_json_view();
/// One line an event: orders on stdout, the rest on stderr.
[[nodiscard]] std::unique_ptr<View> make_line_view();
/// A table that is kept up to date, on the terminal's other screen.
[[nodiscard]] std::unique_ptr<View> make_table_view(const std::string& server, bool color);

}  // namespace order_watch
