// SPDX-License-Identifier: MIT
// Durable changes: places orders and takes them through their states over HTTP with so many
// requests in flight, on servers that answer only after a sync of the disk. See bench/README.md.
#include "../tests/support/api_client.hpp"
#include "../tests/support/process.hpp"
#include "../tests/support/temp_dir.hpp"
#include "loopback/loop.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ordercast::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* usage =
    "changes [--orders 600] [--rounds 3] [--in-flight N]... [--json FILE]\n"
    "        [--server NAME=PROGRAM]...  PROGRAM is an order_server, or a peer that ends in .mjs\n";

/// What a shop does with an order once it is placed.
constexpr std::array<const char*, 4> steps{"CONFIRMED", "PREPARING", "READY", "DELIVERED"};

struct Options {
  std::size_t orders = 600;
  int rounds = 3;
  std::vector<std::size_t> in_flight;
  std::string json;
  std::vector<std::pair<std::string, std::string>> servers;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw std::invalid_argument(usage);
    const std::string value = argv[i + 1];
    if (name == "--orders") {
      options.orders = std::stoul(value);
    } else if (name == "--rounds") {
      options.rounds = std::stoi(value);
    } else if (name == "--in-flight") {
      options.in_flight.push_back(std::stoul(value));
    } else if (name == "--json") {
      options.json = value;
    } else if (name == "--server" && value.find('=') != std::string::npos) {
      const auto at = value.find('=');
      options.servers.emplace_back(value.substr(0, at), value.substr(at + 1));
    } else {
      throw std::invalid_argument(usage);
    }
  }
  if (options.in_flight.empty()) options.in_flight = {1, 4, 64};
  if (options.servers.empty())
    options.servers.emplace_back("ordercast", "build/release/order_server");
  return options;
}

/// The server with a database of its own, in the folder where the disk was measured.
class Shop {
 public:
  explicit Shop(const std::string& program) {
    const auto database = (folder_.path() / "shop.db").string();
    test::Command command;
    if (program.size() > 4 && program.substr(program.size() - 4) == ".mjs") {
      command.argv = {"/usr/bin/env", "node", program, database};
    } else {
      command.argv = {program,   "--port",
                      "0",       "--db",
                      database,  "--demo-data",
                      "on",      "--transport",
                      "asio",    "--writes-per-second",
                      "1000000", "--staff-writes-per-second",
                      "1000000"};
    }
    command.environment = {{"JWT_SECRET", "a-secret-for-a-benchmark-on-loopback"}};
    command.stderr_file = folder_.path() / "log";
    process_ = std::make_unique<test::ChildProcess>(command);
    const auto port = test::announced_port(process_->read_line(std::chrono::seconds(60)));
    if (!port) throw std::runtime_error("no server: " + test::read_file(folder_.path() / "log"));
    port_ = *port;
    const test::ApiClient nobody(port_);
    admin_ = token(nobody, "admin@martly.dev", "admin123");
    customer_ = token(nobody, "customer@martly.dev", "customer123");
    const test::ApiClient buyer(port_, customer_);
    const auto stores = buyer.get("/api/v1/stores").data();
    store_ = stores.at(0).at("id").get<std::string>();
    product_ =
        buyer.get("/api/v1/products?storeId=" + store_).data().at(0).at("id").get<std::string>();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string place() const {
    return request("POST", "/api/v1/orders", customer_,
                   R"({"storeId":")" + store_ + R"(","items":[{"productId":")" + product_ +
                       R"(","quantity":1}],"paymentMethod":"COD","fulfillmentType":"PICKUP"})");
  }
  [[nodiscard]] std::string step(const std::string& id, const char* status) const {
    return request("PATCH", "/api/v1/orders/" + id + "/status", admin_,
                   std::string(R"({"status":")") + status + "\"}");
  }
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process_->pid(), &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
      throw std::runtime_error("the server has ended: " + test::read_file(folder_.path() / "log"));
    }
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

 private:
  static std::string token(const test::ApiClient& client, const std::string& email,
                           const std::string& password) {
    const auto reply = client.login(email, password);
    if (reply.status != 200) throw std::runtime_error("no login: " + reply.body);
    return test::text_of(reply.data(), "accessToken");
  }
  [[nodiscard]] std::string request(const char* method, const std::string& target,
                                    const std::string& token, const std::string& body) const {
    return std::string(method) + " " + target +
           " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) + "\r\nAuthorization: Bearer " +
           token +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  test::TempDir folder_;
  std::unique_ptr<test::ChildProcess> process_;
  std::uint16_t port_ = 0;
  std::string admin_;
  std::string customer_;
  std::string store_;
  std::string product_;
};

/// One connection that is kept alive, with one request at a time.
class Line final : public Source {
 public:
  using OnAnswer = std::function<void(Line&, const std::string& body)>;

  Line(Loop& loop, std::uint16_t port, OnAnswer on_answer)
      : fd_(connect_to(port)), on_answer_(std::move(on_answer)) {
    loop.add(fd_, *this);
  }
  Line(const Line&) = delete;
  Line(Line&&) = delete;
  Line& operator=(const Line&) = delete;
  Line& operator=(Line&&) = delete;
  ~Line() override { ::close(fd_); }

  void send(const std::string& request) {
    sent_at = Clock::now();
    send_now(fd_, request.data(), request.size());
  }

  void on_readable() override {
    static std::array<char, 65'536> buffer;
    for (;;) {
      const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) throw std::runtime_error("the server closed a connection");
      input_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    const auto end = input_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const auto head = input_.substr(0, end);
    if (head.rfind("HTTP/1.1 20", 0) != 0) throw std::runtime_error("an answer: " + input_);
    auto at = head.find("Content-Length: ");
    if (at == std::string::npos) at = head.find("content-length: ");
    if (at == std::string::npos) throw std::runtime_error("no Content-Length: " + head);
    const auto size = end + 4 + std::stoul(head.substr(at + 16));
    if (input_.size() < size) return;
    const auto body = input_.substr(end + 4, size - end - 4);
    input_.erase(0, size);
    on_answer_(*this, body);
  }

  Clock::time_point sent_at{};

 private:
  int fd_;
  OnAnswer on_answer_;
  std::string input_;
};

double ms(std::chrono::nanoseconds time) {
  return std::round(std::chrono::duration<double, std::milli>(time).count() * 1000) / 1000;
}

template <class Value>
Value at_share(std::vector<Value> values, double share) {
  if (values.empty()) throw std::runtime_error("nothing was measured");
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

/// Sends `requests` with so many in flight. Returns the answers' bodies, in the requests' order.
struct Run {
  std::vector<std::string> bodies;
  Json figures;
};

Run run(const Shop& shop, const std::vector<std::string>& requests, std::size_t in_flight) {
  Loop loop;
  Run result;
  result.bodies.resize(requests.size());
  std::vector<std::chrono::nanoseconds> took;
  std::vector<std::unique_ptr<Line>> lines;
  std::vector<std::size_t> at(in_flight);
  std::size_t next = 0;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < in_flight; ++i) {
    lines.push_back(
        std::make_unique<Line>(loop, shop.port(), [&, i](Line& line, const std::string& body) {
          took.push_back(Clock::now() - line.sent_at);
          result.bodies[at[i]] = body;
          ++answered;
          if (next == requests.size()) return;
          at[i] = next++;
          line.send(requests[at[i]]);
        }));
  }
  const auto cpu = shop.cpu_time();
  const auto start = Clock::now();
  for (std::size_t i = 0; i < in_flight && next < requests.size(); ++i) {
    at[i] = next++;
    lines[i]->send(requests[at[i]]);
  }
  loop.run_until([&] { return answered == requests.size(); }, "answers");
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  const auto count = static_cast<double>(requests.size());
  result.figures = {
      {"in_flight", in_flight},
      {"requests", requests.size()},
      {"per_second", std::round(count / elapsed.count())},
      {"p50_ms", ms(at_share(took, 0.5))},
      {"p99_ms", ms(at_share(took, 0.99))},
      {"cpu_us",
       std::round(std::chrono::duration<double, std::micro>(shop.cpu_time() - cpu).count() /
                  count)}};
  return result;
}

/// How long a small write and its sync take, at the median.
double sync_ms() {
  const test::TempDir folder;
  const int fd = ::open((folder.path() / "probe").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("no file for the disk's measurement");
  const std::string page(4096, 'x');
  std::vector<std::chrono::nanoseconds> took;
  for (int i = 0; i < 200; ++i) {
    const auto start = Clock::now();
    if (::write(fd, page.data(), page.size()) < 0 || ::fdatasync(fd) != 0) {
      throw std::runtime_error("the disk's measurement failed");
    }
    took.push_back(Clock::now() - start);
  }
  ::close(fd);
  return ms(at_share(took, 0.5));
}

Json measure(const std::string& program, const Options& options) {
  auto cases = Json::array();
  for (const auto in_flight : options.in_flight) {
    const Shop shop(program);
    // Fewer where each waits for the disk alone; so many that no two steps of an order overlap.
    const auto few = in_flight >= 16 ? options.orders : options.orders / 6;
    const auto count = std::max(few, 4 * in_flight);
    auto placed = run(shop, std::vector<std::string>(count, shop.place()), in_flight);
    placed.figures["what"] = "place";
    std::vector<std::string> changes;
    for (const char* step : steps) {
      for (const auto& body : placed.bodies) {
        changes.push_back(
            shop.step(Json::parse(body).at("data").at("id").get<std::string>(), step));
      }
    }
    auto changed = run(shop, changes, in_flight);
    changed.figures["what"] = "change";
    cases.push_back(std::move(placed.figures));
    cases.push_back(std::move(changed.figures));
  }
  return cases;
}

int main_of(const Options& options) {
  auto results = Json::array();
  for (int round = 0; round < options.rounds; ++round) {
    for (const auto& [name, program] : options.servers) {
      Json one = {{"server", name}, {"round", round}, {"sync_ms", sync_ms()}};
      one["cases"] = measure(program, options);
      for (const auto& each : one["cases"]) {
        std::cout << name << " " << each.at("what").get<std::string>() << ", "
                  << each.at("in_flight") << " in flight: " << each.at("per_second")
                  << " a second, p50 " << each.at("p50_ms") << " ms, p99 " << each.at("p99_ms")
                  << " ms, processor " << each.at("cpu_us") << " us";
        std::cout << " (a sync takes " << one.at("sync_ms") << " ms)" << std::endl;
      }
      results.push_back(std::move(one));
    }
  }
  if (!options.json.empty()) std::ofstream(options.json) << results.dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace ordercast::bench

int main(int argc, char** argv) {
  try {
    return ordercast::bench::main_of(ordercast::bench::parse(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
