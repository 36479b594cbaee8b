// SPDX-License-Identifier: MIT
#include "terminal.hpp"
#include "view.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace order_watch {
namespace {

using ordercast::client::State;
using Clock = ordercast::TimePoint::clock;

constexpr auto highlight_for = std::chrono::seconds(4);

struct Row {
  Order order;
  ordercast::TimePoint changed_at{};
  bool is_new = true;  ///< Seen only once, so not a change.
};

class TableView final : public View {
 public:
  TableView(std::string server, bool color) : server_(std::move(server)), color_(color) {
    // The alternate screen, no cursor, no line wrap.
    write_out("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
  }
  TableView(const TableView&) = delete;
  TableView& operator=(const TableView&) = delete;
  ~TableView() override {
    try {
      write_out("\x1b[?7h\x1b[?25h\x1b[?1049l");
    } catch (const std::system_error&) {  // The terminal is gone.
      return;
    }
  }

  bool connection(const Connection& connection) override {
    connection_ = connection;
    return true;
  }
  bool order(const Order& order) override {
    const auto found = std::find_if(rows_.begin(), rows_.end(),
                                    [&](const Row& row) { return row.order.id == order.id; });
    if (found == rows_.end()) {
      rows_.push_back({order, Clock::now(), true});
    } else {
      found->order = order;
      found->changed_at = Clock::now();
      found->is_new = false;
    }
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      return a.order.updated_at > b.order.updated_at;
    });
    return true;
  }
  bool changed(const ordercast::client::OrderHint& /*hint*/) override { return true; }
  bool removed(const std::string& id, const std::string& why) override {
    rows_.erase(std::remove_if(rows_.begin(), rows_.end(),
                               [&](const Row& row) { return row.order.id == id; }),
                rows_.end());
    note_ = why.empty() ? "" : printable(id) + ": " + why;
    return true;
  }
  bool error(const ordercast::client::ServerError& error) override {
    return note("the server says " + printable(error.code) + ": " + printable(error.message));
  }
  bool note(const std::string& text) override {
    note_ = text;
    return true;
  }

  bool refresh() override {
    const auto size = terminal_size();
    std::string frame = "\x1b[H";
    const auto line = [&](const std::string& text) { frame += text + "\x1b[K\r\n"; };
    line(status_line(size.columns));
    line(styled(fit(header(size.columns), size.columns), "1"));
    const std::size_t room = size.rows > 4 ? size.rows - 4 : 1;
    for (std::size_t i = 0; i < std::min(room, rows_.size()); ++i) {
      line(row_line(rows_[i], size.columns));
    }
    frame += "\x1b[J";
    if (rows_.empty() && connection_.state == State::open) line("No orders yet.");
    if (rows_.size() > room) line("... and " + std::to_string(rows_.size() - room) + " more");
    frame += "\x1b[" + std::to_string(size.rows) + ";1H";
    frame += fit(note_.empty() ? "Ctrl-C ends." : note_, size.columns) + "\x1b[K";
    return write_out(frame);
  }

 private:
  [[nodiscard]] std::string styled(const std::string& text, std::string_view style) const {
    if (!color_ || style.empty()) return text;
    return "\x1b[" + std::string(style) + "m" + text + "\x1b[0m";
  }

  [[nodiscard]] std::string status_line(std::size_t columns) const {
    const auto why = connection_.why.empty() ? "" : " (" + printable(connection_.why) + ")";
    switch (connection_.state) {
      case State::open:
        return styled(fit("* live  " + server_, columns), "1;32");
      case State::waiting: {
        const auto left =
            std::chrono::ceil<std::chrono::seconds>(connection_.retry_at - Clock::now());
        const auto seconds = std::to_string(std::max<long>(static_cast<long>(left.count()), 0));
        return styled(fit("! reconnecting in " + seconds + " s" + why + "  " + server_, columns),
                      "1;33");
      }
      case State::refused:
        return styled(fit("! refused" + why + "  " + server_, columns), "1;31");
      case State::idle:
      case State::connecting:
        break;
    }
    return styled(fit("- connecting" + why + "  " + server_, columns), "1;33");
  }

  /// A narrow terminal cuts the ids and drops the less important columns.
  static std::size_t id_width(std::size_t columns) { return columns >= 106 ? 36 : 8; }

  static std::string header(std::size_t columns) {
    return "  " + fit("ORDER", id_width(columns)) + "  " + fit("STATUS", 16) + "  " +
           fit("PAYMENT", 8) + "  " + "     TOTAL" + "  " + fit("VERSION", 7) + "  UPDATED (UTC)";
  }

  [[nodiscard]] std::string row_line(const Row& row, std::size_t columns) const {
    const bool is_fresh = !row.is_new && Clock::now() - row.changed_at < highlight_for;
    const auto total = printable(row.order.total);
    const auto padded = total.size() < 10 ? std::string(10 - total.size(), ' ') + total : total;
    const auto status = fit(printable(row.order.status), 16);
    const auto before = (is_fresh ? "> " : "  ") + fit(printable(row.order.id), id_width(columns));
    const auto after = fit(printable(row.order.payment), 8) + "  " + padded + "  " +
                       fit("v" + std::to_string(row.order.version), 7) + "  " +
                       time_of(row.order.updated_at);
    const auto used = 2 + id_width(columns) + 2 + 16 + 2;
    const auto rest = fit(after, columns > used ? columns - used : 0);
    if (is_fresh) return styled(before + "  " + status + "  " + rest, "7");
    return before + "  " + styled(status, status_style(row.order.status)) + "  " + rest;
  }

  /// Shortens `2026-01-31T10:00:00.000Z` for display.
  static std::string time_of(std::string_view iso) {
    auto text = printable(iso.substr(0, 19));
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
  }

  static std::string_view status_style(std::string_view status) {
    if (status == "PENDING") return "33";
    if (status == "CONFIRMED" || status == "PREPARING") return "36";
    if (status == "READY" || status == "OUT_FOR_DELIVERY") return "35";
    if (status == "DELIVERED") return "32";
    if (status == "CANCELLED") return "31";
    return "";
  }

  std::string server_;
  bool color_;
  Connection connection_;
  std::string note_;
  std::vector<Row> rows_;
};

}  // namespace

std::unique_ptr<View> make_table_view(const std::string& server, bool color) {
  return std::make_unique<TableView>(server, color);
}

}  // namespace order_watch
