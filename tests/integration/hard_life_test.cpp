// SPDX-License-Identifier: MIT
#include "../support/ws_client.hpp"
#include "order_server.hpp"
#include "process_faults.hpp"
#include "sqlite_lock.hpp"
#include "storm.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace ordercast::test;

namespace {

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

// The undefined-behaviour sanitizer checks through a pipe whether memory is readable; if it can't
// create one, it reports a good object as bad.
#ifdef __SANITIZE_ADDRESS__
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// One run of the server on a used database: odd streams, lowered limits, signals, a locked
/// database, and changes all the time, with a client that watches.
class HardLife {
 public:
  HardLife(std::mt19937& random, const OrderServer& home, const std::vector<std::string>& ids,
           std::map<std::string, long long>& acknowledged)
      : random_(random), database_(home.database()), ids_(ids), acknowledged_(acknowledged) {
    start();
    admin_ = std::make_unique<ApiClient>(port_, demo().admin.token);
  }

  void run(unsigned steps) {
    REQUIRE(watcher_.connect("127.0.0.1", port_, ws_target(demo().customer.token)));
    for (const auto& id : ids_) {
      REQUIRE(watcher_.send_text(R"({"type":"subscribe","since":0,"orderId":")" + id + "\"}"));
    }
    for (; steps > 0; --steps) step();
    limit(RLIMIT_FSIZE, RLIM_INFINITY);
    check();
    end();
  }

 private:
  unsigned pick(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  void limit(__rlimit_resource resource, rlim_t soft) {
    set_soft_limit(process_->pid(), resource, soft);
  }

  void start() {
    const auto path = directory_.path() / "stderr";
    std::string closed;
    switch (pick(4)) {
      case 0:
        full_ = std::make_unique<FullPipe>(path);
        break;
      case 1:
        closed = "2>&-";
        break;
      case 2:
        closed = "0<&- 2>&-";
        break;
      default:
        break;
    }
    auto command = order_server_command(database_, path);
    if (!closed.empty()) {
      command.argv.insert(command.argv.begin(), {"/bin/sh", "-c", "exec \"$@\" " + closed, "sh"});
    }
    process_ = std::make_unique<ChildProcess>(command);
    const auto line = process_->read_line(patience);
    REQUIRE(line.has_value());
    const auto port = port_of_ready_line(*line);
    REQUIRE(port.has_value());
    port_ = *port;
  }

  void step() {
    switch (pick(8)) {
      case 0:
        limit(RLIMIT_FSIZE, 1 + pick(100'000));
        break;
      case 1:
      case 2:
        limit(RLIMIT_FSIZE, RLIM_INFINITY);
        break;
      case 3: {  // A client connects while no descriptor is left.
        if (!is_sanitized) limit(RLIMIT_NOFILE, 4);
        RawSocket waiting;
        REQUIRE(waiting.connect("127.0.0.1", port_));
        REQUIRE(waiting.send_bytes("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
        limit(RLIMIT_NOFILE, 4096);
        break;
      }
      case 4: {
        constexpr int harmless[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGPIPE, SIGXFSZ, SIGALRM};
        process_->signal(harmless[pick(6)]);
        break;
      }
      case 5:
        locked();
        break;
      default:
        change();
    }
  }

  /// A client subscribes while the database can't be read, and gets the answer once it can.
  void locked() {
    const SqliteTotalLock lock(database_);
    const auto& id = ids_[pick(static_cast<unsigned>(ids_.size()))];
    REQUIRE(watcher_.send_text(R"({"type":"unsubscribe","orderId":")" + id + "\"}"));
    REQUIRE(watcher_.send_text(R"({"type":"subscribe","since":0,"orderId":")" + id + "\"}"));
    static_cast<void>(admin_->get("/healthz"));
  }

  /// Moves an order one step on. While the store fails the answer is 503.
  void change() {
    const auto& id = ids_[pick(static_cast<unsigned>(ids_.size()))];
    const auto next = static_cast<std::size_t>(acknowledged_[id]);
    if (next >= lifecycle.size()) return;
    const auto reply = admin_->set_status(id, lifecycle[next]);
    CAPTURE(id, reply.status, reply.body);
    // 400: it took that step before, but the answer was lost.
    CHECK((reply.status == 200 || reply.status == 503 || reply.status == 400));
    if (reply.status == 200) acknowledged_[id] = integer_of(reply.data(), "version");
    if (reply.status == 400) acknowledged_[id] = std::max(acknowledged_[id], read(id));
  }
  long long read(const std::string& id) {
    long long version = 0;
    REQUIRE(eventually([&] {
      const auto reply = admin_->get("/api/v1/orders/" + id);
      if (reply.status != 200) return false;
      version = integer_of(reply.data(), "version");
      CHECK(reply.data().at("statusLogs").size() == static_cast<std::size_t>(version));
      return true;
    }));
    return version;
  }

  /// Afterwards every change that was answered is stored and reaches the watcher.
  void check() {
    std::map<std::string, long long> wanted;
    for (const auto& id : ids_) {
      const auto version = read(id);
      CAPTURE(id);
      CHECK(version >= acknowledged_[id]);
      acknowledged_[id] = wanted[id] = version;
    }
    while (!wanted.empty()) {
      CAPTURE(wanted.begin()->first, wanted.begin()->second);
      const auto text = watcher_.next_text(patience);
      REQUIRE(text.has_value());
      const auto message = parse_json(*text);
      CHECK(text_of(message, "code") != "subscription_denied");
      if (text_of(message, "type") != "order:updated") continue;
      const auto found = wanted.find(text_of(message, "orderId"));
      if (found != wanted.end() &&
          integer_of(member(message, "data"), "version") >= found->second) {
        wanted.erase(found);
      }
    }
    CHECK(eventually([&] { return admin_->get("/readyz").status == 200; }));
  }

  void end() {
    const bool is_killed = pick(3) == 0;
    process_->signal(is_killed ? SIGKILL : SIGTERM);
    const auto ended = process_->wait(patience);
    REQUIRE(ended.has_value());
    if (!is_killed) CHECK(ended->code == 0);
  }

  std::mt19937& random_;
  std::filesystem::path database_;
  const std::vector<std::string>& ids_;
  std::map<std::string, long long>& acknowledged_;
  TempDir directory_;
  std::unique_ptr<FullPipe> full_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
  std::unique_ptr<ApiClient> admin_;
  WsClient watcher_;
};

}  // namespace

// ORDERCAST_SEED=N runs another sequence, ORDERCAST_LIVES=N a longer one.
TEST_CASE("whatever a process suffers, what was answered is there and reaches who watches",
          "[hard_life]") {
  const auto seed = number_from_environment("ORDERCAST_SEED", 1);
  const auto lives = number_from_environment("ORDERCAST_LIVES", 6);
  CAPTURE(seed);
  std::mt19937 random(seed);
  OrderServer server;
  std::vector<std::string> ids;
  std::map<std::string, long long> acknowledged;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(text_of(server.new_order(demo().customer), "id"));
    acknowledged[ids.back()] = 1;
  }
  server.kill();
  for (unsigned life = 0; life < lives; ++life) {
    CAPTURE(life);
    HardLife(random, server, ids, acknowledged).run(30);
  }
  server.start();
  for (const auto& id : ids) CHECK(integer_of(server.order(id), "version") == acknowledged[id]);
  server.settle();
}
