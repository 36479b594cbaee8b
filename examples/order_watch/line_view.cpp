// SPDX-License-Identifier: MIT
#include "terminal.hpp"
#include "view.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace order_watch {
namespace {

using ordercast::client::State;

void say(const std::string& text) {
  std::fprintf(stderr, "order_watch: %s\n", text.c_str());
}

class LineView final : public View {
 public:
  bool connection(const Connection& connection) override {
    const auto why = connection.why.empty() ? "" : " (" + connection.why + ")";
    if (connection.state == State::open) say("live");
    if (connection.state == State::refused) say("refused" + why);
    if (connection.state == State::waiting) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(connection.retry_at - Clock::now());
      const auto seconds = std::max<long>(static_cast<long>(left.count()), 0);
      say("not live" + why + ", trying again in " + std::to_string(seconds) + " s");
    }
    return true;
  }
  bool order(const Order& order) override {
    return write_out(printable(order.updated_at) + "  " + printable(order.id) + "  " +
                     fit(printable(order.status), 16) + "  " + fit(printable(order.payment), 8) +
                     "  version " + std::to_string(order.version) + "\n");
  }
  bool changed(const ordercast::client::OrderHint& /*hint*/) override { return true; }
  bool removed(const std::string& id, const std::string& why) override {
    say(printable(id) + ": " + why);
    return true;
  }
  bool error(const ordercast::client::ServerError& error) override {
    say("the server says " + printable(error.code) + ": " + printable(error.message));
    return true;
  }
  bool note(const std::string& text) override {
    say(text);
    return true;
  }

 private:
  using Clock = ordercast::TimePoint::clock;
};

}  // namespace

std::unique_ptr<View> make_line_view() {
  return std::make_unique<LineView>();
}

}  // namespace order_watch
