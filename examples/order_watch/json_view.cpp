// SPDX-License-Identifier: MIT
#include "terminal.hpp"
#include "view.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace order_watch {
namespace {

using nlohmann::ordered_json;
using ordercast::client::State;

class JsonView final : public View {
 public:
  bool connection(const Connection& connection) override {
    ordered_json line = {{"event", "state"}, {"state", to_string(connection.state)}};
    if (connection.state == State::waiting) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          connection.retry_at - ordercast::TimePoint::clock::now());
      line["retryInMs"] = std::max<std::int64_t>(left.count(), 0);
    }
    if (!connection.why.empty()) line["why"] = connection.why;
    return write(line);
  }
  bool order(const Order& order) override {
    return write_out(R"({"event":"order","order":)" + order.json + "}\n");
  }
  bool changed(const ordercast::client::OrderHint& hint) override {
    return write({{"event", "changed"}, {"orderId", hint.order_id}, {"status", hint.status}});
  }
  bool removed(const std::string& id, const std::string& why) override {
    return write({{"event", "removed"}, {"orderId", id}, {"why", why}});
  }
  bool error(const ordercast::client::ServerError& error) override {
    return write({{"event", "error"},
                  {"code", error.code},
                  {"message", error.message},
                  {"orderId", error.order_id}});
  }
  bool note(const std::string& /*text*/) override { return true; }

 private:
  static bool write(const ordered_json& line) {
    return write_out(line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  }
};

}  // namespace

std::unique_ptr<View> make_json_view() {
  return std::make_unique<JsonView>();
}

}  // namespace order_watch
