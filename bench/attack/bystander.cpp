// SPDX-License-Identifier: MIT
#include "bystander.hpp"

#include "../loopback/crowd.hpp"
#include "field.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;
using test::ApiClient;
using test::Json;

constexpr const char* customer_id = "user-customer2";
constexpr milliseconds interval{50};  // Between two changes.
constexpr std::array<const char*, 5> way{"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY",
                                         "DELIVERED"};
/// A connection may hold 100 subscriptions.
constexpr std::size_t most_watched = 80;

/// Reads a time like "2026-11-27T08:46:51.042Z". Returns the epoch for any other text.
std::chrono::system_clock::time_point instant(const std::string& text) {
  std::tm fields{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
  if (rest == nullptr) return {};
  const auto fraction = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  return std::chrono::system_clock::from_time_t(::timegm(&fields)) + milliseconds(fraction);
}

}  // namespace

Bystander::Bystander(std::uint16_t port)
    : port_(port), token_(token_for(customer_id, "CUSTOMER", attack_secret)) {
  connect();
  changer_ = std::thread([this] { change_orders(); });
  watcher_ = std::thread([this] { watch(); });
  reader_ = std::thread([this] { read(); });
}

Window Bystander::take_window() {
  const std::lock_guard lock(mutex_);
  return std::exchange(window_, {});
}

/// A wait of many intervals counts as one sample for each, as if a probe had been sent in every
/// interval. Otherwise a stalled server would hide its worst time (coordinated omission).
void Bystander::add(Probe probe, std::chrono::nanoseconds latency) {
  const std::lock_guard lock(mutex_);
  auto& figures = window_.probes[static_cast<std::size_t>(probe)];
  figures.most = std::max(figures.most, static_cast<std::uint64_t>(latency.count()));
  for (; latency.count() > 0; latency -= interval) {
    figures.latency.add(static_cast<std::uint64_t>(latency.count()));
  }
}

void Bystander::fail(Probe probe) {
  const std::lock_guard lock(mutex_);
  ++window_.probes[static_cast<std::size_t>(probe)].failed;
}

void Bystander::change_orders() {
  const ApiClient customer(port_, token_);
  const ApiClient staff(port_, token_for("bystander-staff", "SUPER_ADMIN", attack_secret));
  for (auto due = Clock::now(); !stopping_ && changing_; due += interval) {
    std::this_thread::sleep_until(due);
    due = std::max(due, Clock::now() - interval);
    change_next(customer, staff);
    ++change_turns_;
  }
}

void Bystander::change_next(const ApiClient& customer, const ApiClient& staff) {
  const auto start = Clock::now();
  if (current_.empty()) {
    {
      const std::lock_guard lock(mutex_);
      const auto watched = std::count_if(orders_.begin(), orders_.end(),
                                         [](const auto& order) { return !order.second.over; });
      if (static_cast<std::size_t>(watched) >= most_watched) return;
    }
    const auto reply = customer.post(
        "/api/v1/orders", {{"storeId", "store-1"},
                           {"items", {{{"productId", "product-1-rice"}, {"quantity", 2}}}},
                           {"paymentMethod", "COD"},
                           {"fulfillmentType", "DELIVERY"},
                           {"deliveryAddress", "1 Quiet Street"}});
    if (reply.status != 201) return fail(Probe::place);
    add(Probe::place, Clock::now() - start);
    const std::lock_guard lock(mutex_);
    current_ = test::text_of(reply.data(), "id");
    stage_ = 0;
    auto& order = orders_[current_];
    order.id = current_;
    order.subscribed_at = Clock::now();
    subscribe(current_, 0);
    return;
  }
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    id = current_;
    auto& order = orders_[id];
    order.asked = static_cast<long long>(stage_) + 2;
    order.asked_at = start;
  }
  const auto reply = staff.set_status(id, way[stage_]);
  // 400: the change was committed before, and its answer was lost.
  if (reply.status != 200 && reply.status != 400) return fail(Probe::change);
  ++changes_;
  const std::lock_guard lock(mutex_);
  if (++stage_ == way.size()) current_.clear();
}

void Bystander::subscribe(const std::string& id, long long since) {
  to_send_ += text_frame(Json{{"type", "subscribe"}, {"orderId", id}, {"since", since}}.dump());
}

void Bystander::connect() {
  while (!stopping_ && !socket_.connect("127.0.0.1", port_, "/ws?token=" + token_)) {
    std::this_thread::sleep_for(milliseconds(100));
  }
  const std::lock_guard lock(mutex_);
  to_send_.clear();
  for (auto& [id, order] : orders_) {
    if (order.over) continue;
    subscribe(id, order.seen);
  }
}

void Bystander::watch() {
  while (!stopping_) {
    std::string frames;
    {
      const std::lock_guard lock(mutex_);
      frames = std::exchange(to_send_, {});
    }
    if (!frames.empty()) socket_.socket().send_bytes(frames);
    // Short, because messages to send wait meanwhile.
    if (const auto text = socket_.next_text(milliseconds(2))) {
      on_text(*text);
    } else if (socket_.socket().eof() || !socket_.socket().is_open()) {
      if (stopping_) return;
      ++cuts_;
      socket_ = test::WsClient();
      connect();
    }
  }
}

void Bystander::on_text(const std::string& text) {
  const auto now = Clock::now();
  const auto message = test::parse_json(text);
  const auto type = test::text_of(message, "type");
  if (type == "orders:changed") return;
  const auto& data = test::member(message, "data");
  const auto version = test::integer_of(data, "version");
  std::unique_lock lock(mutex_);
  const auto found = orders_.find(test::text_of(message, "orderId"));
  if (type != "order:updated" || found == orders_.end()) {
    ++faults_;
    return;
  }
  auto& order = found->second;
  if (version < order.seen) {
    ++faults_;
    return;
  }
  const bool is_first = order.seen == 0;
  const bool is_asked = version == order.asked;
  order.seen = version;
  if (test::text_of(data, "status") == "DELIVERED" && !order.over) {
    order.over = true;
    to_send_ += text_frame(Json{{"type", "unsubscribe"}, {"orderId", order.id}}.dump());
  }
  const auto asked_at = order.asked_at;
  const auto subscribed_at = order.subscribed_at;
  lock.unlock();
  if (is_first) add(Probe::subscribe, now - subscribed_at);
  if (!is_asked) return;
  add(Probe::change, now - asked_at);
  const auto since_stamp =
      std::chrono::system_clock::now() - instant(test::text_of(data, "updatedAt"));
  add(Probe::commit, std::max<std::chrono::nanoseconds>(since_stamp, std::chrono::microseconds(1)));
}

void Bystander::read() {
  const ApiClient customer(port_, token_);
  const ApiClient anybody(port_);
  bool is_ready_turn = false;
  for (auto due = Clock::now(); !stopping_; due += interval / 2, is_ready_turn = !is_ready_turn) {
    std::this_thread::sleep_until(due);
    due = std::max(due, Clock::now() - interval);
    std::string id;
    {
      const std::lock_guard lock(mutex_);
      if (!orders_.empty()) id = orders_.begin()->first;
    }
    if (id.empty()) continue;
    const auto start = Clock::now();
    const auto probe = is_ready_turn ? Probe::ready : Probe::read;
    const auto status = is_ready_turn ? anybody.get("/readyz").status : customer.order(id).status;
    if (stopping_) return;
    if (status != 200) fail(probe);
    add(probe, Clock::now() - start);
    ++read_turns_;
  }
}

void Bystander::finish_turns(std::chrono::seconds most) const {
  const auto until = Clock::now() + most;
  const std::size_t changed = change_turns_;
  const std::size_t read = read_turns_;
  while (Clock::now() < until && (change_turns_ < changed + 2 || read_turns_ < read + 2)) {
    std::this_thread::sleep_for(milliseconds(5));
  }
}

void Bystander::stop_changes() {
  changing_ = false;
  if (changer_.joinable()) changer_.join();
}

bool Bystander::verify(std::chrono::seconds most) {
  const auto until = Clock::now() + most;
  const ApiClient customer(port_, token_);
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, order] : orders_) ids.push_back(id);
  }
  for (const auto& id : ids) {
    for (;;) {
      const auto reply = customer.order(id);
      const auto version = test::integer_of(reply.data(), "version");
      bool is_there = false;
      {
        const std::lock_guard lock(mutex_);
        is_there = reply.status == 200 && orders_[id].seen == version;
      }
      if (is_there) break;
      if (Clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  return true;
}

void Bystander::stop() {
  changing_ = false;
  stopping_ = true;
  for (auto* thread : {&changer_, &watcher_, &reader_}) {
    if (thread->joinable()) thread->join();
  }
  socket_.socket().close();
}

std::size_t Bystander::orders() const {
  const std::lock_guard lock(mutex_);
  return orders_.size();
}

}  // namespace ordercast::bench
