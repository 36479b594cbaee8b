// SPDX-License-Identifier: MIT
// Attacks on HTTP: parsers, answers that nobody reads, and the readers' queue.
#include "field.hpp"

#include <string>

namespace ordercast::bench {
namespace {

using std::chrono::milliseconds;

std::string repeat(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// Connections that always have the most requests in progress and read nothing; replaces closed
/// ones.
void ask_unread(Field& field, std::size_t count, const std::function<std::string(std::size_t)>& ask,
                double per_second) {
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(per_second)) {
    field.note("ended", drop_ended(wires));
    if (wires.size() < count) {
      wires.push_back(field.connect(0, 2'048));
      field.note("connections");
    }
    auto& wire = wires[i % wires.size()];
    if (wire.all_sent()) {
      wire.send(ask(i));
      field.note("batches");
    } else {
      wire.send();
    }
  }
}

void lists_unread(Field& field) {
  for (std::size_t i = 0; i < 3; ++i) static_cast<void>(field.place_orders(i, 50));
  const auto list = [&](std::size_t i) {
    return repeat(Field::request("GET", "/api/v1/orders?pageSize=100", field.customer(i % 3)), 32);
  };
  ask_unread(field, 100, list, 50);
}

void lists_of_many(Field& field) {
  for (std::size_t i = 0; i < 3; ++i) static_cast<void>(field.place_orders(i, 50));
  // Each user is a separate owner in the readers' queue.
  const auto list = [&](std::size_t i) {
    return repeat(Field::request("GET", "/api/v1/orders?pageSize=100", field.admin(i % 200)), 8);
  };
  ask_unread(field, 200, list, 100);
}

/// The most expensive pages, read completely by as many connections as the readers can serve.
void worst_filters(Field& field) {
  static_cast<void>(field.place_orders(0, 50));
  const char* const targets[] = {
      "/api/v1/orders?pageSize=100&page=1000000", "/api/v1/orders?pageSize=100&status=CANCELLED",
      "/api/v1/orders?pageSize=100&page=2",       "/api/v1/orders?pageSize=1&page=999999",
      "/api/v1/orders?pageSize=100&q=%25%25%25a", "/api/v1/orders?sortBy=totalAmount&pageSize=100"};
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(400)) {
    if (wires.size() > 64) wires.erase(wires.begin());
    wires.push_back(field.connect());
    wires.back().send(Field::request("GET", targets[i % 6], field.admin(i % 40)));
    for (auto& wire : wires) wire.drop_input();
    field.note("lists");
  }
}

/// Asks for much and leaves at once, so the work is wasted.
void lists_left(Field& field) {
  static_cast<void>(field.place_orders(0, 50));
  const auto list =
      repeat(Field::request("GET", "/api/v1/orders?pageSize=100", field.customer(0)), 32);
  for (; !field.over(); field.pace(100)) {
    auto wire = field.connect();
    wire.send(list);
    field.rest(milliseconds(2));
    field.note("batches");
  }
}

void metrics_unread(Field& field) {
  auto metrics = repeat(Field::request("GET", "/metrics", ""), 32);
  ask_unread(
      field, 100, [&](std::size_t) { return std::string(metrics); }, 200);
}

void files_unread(Field& field) {
  auto page = repeat(Field::request("GET", "/", ""), 32);
  ask_unread(
      field, 200, [&](std::size_t) { return std::string(page); }, 200);
}

/// Bodies at the size limit: deep, wide or not JSON.
void large_bodies(Field& field) {
  const std::size_t most = 65'000;
  const std::vector<std::string> bodies = {repeat("[", most),
                                           repeat(R"({"a":)", most / 5),
                                           "{\"email\":\"" + std::string(most, 'x') + "\"}",
                                           "{" + repeat(R"("k":1,)", most / 7) + "\"k\":1}",
                                           std::string(most, '\xff'),
                                           "[" + repeat("1e308,", most / 6) + "1]"};
  const char* const targets[] = {"/api/v1/auth/refresh", "/api/v1/orders", "/api/v1/devices",
                                 "/api/v1/payments/webhook"};
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(300)) {
    if (wires.size() > 100) wires.erase(wires.begin());
    wires.push_back(field.connect());
    wires.back().send(Field::request("POST", targets[i % 4], field.customer(i), bodies[i % 6]));
    for (auto& wire : wires) {
      wire.send();
      wire.drop_input();
    }
    field.note("bodies");
  }
}

/// Large bodies whose last byte never comes.
void unfinished_bodies(Field& field) {
  const auto whole =
      Field::request("POST", "/api/v1/orders", field.customer(0), std::string(65'000, ' '));
  std::vector<Wire> wires;
  for (; !field.over(); field.pace(500)) {
    field.note("ended", drop_ended(wires));
    if (wires.size() >= 4'000) continue;
    wires.push_back(field.connect());
    wires.back().send(whole.substr(0, whole.size() - 1));
    for (std::size_t i = wires.size() > 50 ? wires.size() - 50 : 0; i < wires.size(); ++i) {
      wires[i].send();
    }
    field.note("bodies");
  }
}

/// One-byte chunks with extensions, and heads at the size limit, complete and fast.
void dear_syntax(Field& field) {
  std::string chunks =
      "POST /api/v1/auth/refresh HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) chunks += "1;a=b\r\nx\r\n";
  std::string head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  while (head.size() < 16'000) head += "a:\r\n";
  head += "\r\n";
  const std::string query =
      "GET /healthz?" + repeat("%41=%42&", 1'900) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(300)) {
    if (wires.size() > 60) wires.erase(wires.begin());
    wires.push_back(field.connect());
    wires.back().send(i % 3 == 0 ? chunks : i % 3 == 1 ? head : query);
    for (auto& wire : wires) {
      wire.send();
      wire.drop_input();
    }
    field.note("requests");
  }
}

/// Bytes that are not HTTP, including TLS hellos and proxy requests.
void garbage(Field& field) {
  std::uint32_t random = 7;
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(500)) {
    if (wires.size() > 500) wires.erase(wires.begin(), wires.begin() + 50);
    std::string bytes = i % 3 == 0   ? "\x16\x03\x01\x02"
                        : i % 3 == 1 ? "CONNECT a:1 HTTP/1.1\r\n\r\n"
                                     : "";
    for (int n = 0; n < 300; ++n) {
      random = random * 1'664'525 + 1'013'904'223;
      bytes.push_back(static_cast<char>(random >> 24U));
    }
    wires.push_back(field.connect());
    wires.back().send(bytes);
    field.note("connections");
  }
}

/// Requests that cost only the I/O thread, as many at once as a connection may have; reads all
/// answers.
void cheap_pipelines(Field& field) {
  const auto many = repeat(Field::request("GET", "/healthz", ""), 1'000);
  std::vector<Wire> wires;
  while (!field.over()) {
    if (wires.size() < 1'000) {
      wires.push_back(field.connect());
      field.note("connections");
    }
    // Send all at the same time, then rest, so that harm which outlasts the work shows.
    for (auto& wire : wires) wire.send(wire.all_sent() ? many : "");
    for (int i = 0; i < 10; ++i) {
      for (auto& wire : wires) wire.drop_input();
      field.rest(milliseconds(20));
    }
    drop_ended(wires);
    while (wires.size() < 1'000 && !field.over()) wires.push_back(field.connect());
    field.note("rounds");
  }
}

/// Endless bodies after a first request, so that the connections don't count as handshakes.
void kept_bodies(Field& field) {
  const auto first = Field::request("GET", "/healthz", "");
  const auto body =
      Field::request("POST", "/api/v1/orders", field.customer(0), std::string(65'000, ' '));
  std::vector<Wire> wires;
  for (std::size_t i = 0; !field.over(); ++i, field.pace(1'000)) {
    if (wires.size() < 4'000) {
      wires.push_back(field.connect());
      wires.back().send(first + body.substr(0, body.size() - 1));
      field.note("bodies");
    }
    auto& wire = wires[i % wires.size()];
    wire.drop_input();
    wire.send();
    if (i % 1'000 == 0) field.note("ended", drop_ended(wires));
  }
}

/// Reads answers of a megabyte at a few bytes a second.
void read_slowly(Field& field) {
  static_cast<void>(field.place_orders(0, 50));
  const auto list =
      repeat(Field::request("GET", "/api/v1/orders?pageSize=100", field.customer(0)), 4);
  std::vector<Wire> wires;
  while (!field.over()) {
    field.note("ended", drop_ended(wires));
    for (int i = 0; i < 20 && wires.size() < 300; ++i) {
      wires.push_back(field.connect(0, 2'048));
      wires.back().send(list);
      field.note("connections");
    }
    for (auto& wire : wires) field.note("bytes", wire.read(1).size());
    field.rest(milliseconds(300));
  }
}

}  // namespace

std::vector<Attack> attacks_on_requests() {
  return {
      {"lists-unread",
       "100 connections with 32 pipelined lists each, of three customers with "
       "large orders; nothing is read.",
       &lists_unread},
      {"lists-many", "200 users with pipelined lists of everything; nothing is read.",
       &lists_of_many},
      {"worst-filters", "Lists of everything with far pages and odd filters, 400 a second.",
       &worst_filters},
      {"lists-left", "Pipelined lists, reset two milliseconds later.", &lists_left},
      {"read-slowly", "300 connections that read lists of a megabyte at three bytes a second.",
       &read_slowly},
      {"metrics-unread", "Pipelined /metrics, nothing read.", &metrics_unread},
      {"files-unread", "Pipelined pages, nothing read.", &files_unread},
      {"large-bodies", "Bodies of 65 kB: deep, wide, not UTF-8, not JSON.", &large_bodies},
      {"unfinished-bodies", "4,000 bodies of 65 kB whose last byte never comes.",
       &unfinished_bodies},
      {"cheap-pipelines", "A thousand connections with a thousand pipelined /healthz at once.",
       &cheap_pipelines},
      {"kept-bodies", "4,000 unfinished bodies on keep-alive connections.", &kept_bodies},
      {"dear-syntax", "One-byte chunks with extensions, 4,000 header fields, long queries.",
       &dear_syntax},
      {"garbage", "Random bytes, TLS hellos and CONNECT.", &garbage},
  };
}

}  // namespace ordercast::bench
