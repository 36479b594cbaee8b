// SPDX-License-Identifier: MIT
// What a subscriber that stops reading costs, on the server for load generators: it lets an order
// change for ever.
#include "../support/process.hpp"
#include "program.hpp"
#include "tokens.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using namespace ordercast::test;
using Clock = std::chrono::steady_clock;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int changes = 500;
constexpr bool is_sanitized = true;
#else
constexpr int changes = 10'000;
constexpr bool is_sanitized = false;
#endif

constexpr std::size_t stalled_count = 10;
constexpr std::size_t reading_count = 5;
constexpr std::size_t bound_each = 64 * 1024;
constexpr int small_buffer = 4096;

std::string token() {
  return sign_token("secret", access_claims("root", "SUPER_ADMIN"));
}

WsClient subscriber(const Program& program, int receive_buffer_bytes = 0) {
  auto client = program.watch(token(), receive_buffer_bytes);
  REQUIRE(client.send_text(R"({"type":"subscribe","orderId":"order-1"})"));
  Program::settle(client);
  return client;
}

/// Returns the version in a message; 0 if there is none.
long long version_in(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  return json.value("type", "") == "order:updated" ? json["data"]["version"].get<long long>() : 0;
}

/// Reads until that version. Returns false if it does not arrive.
bool reads_up_to(WsClient& client, long long version) {
  while (const auto text = client.next_text(program_patience)) {
    if (version_in(*text) >= version) return true;
  }
  return false;
}

/// Changes the order `count` times; every reader must get every version. Records how long the
/// slowest reader took, and returns the 99th percentile in microseconds.
double change_and_read(const Program& program, std::vector<WsClient>& readers, long long& version) {
  std::vector<double> times;
  times.reserve(changes);
  for (int i = 0; i < changes; ++i) {
    const auto before = Clock::now();
    const auto reply =
        http_request("127.0.0.1", program.port, "PATCH", "/api/v1/orders/order-1/status",
                     {{"Content-Type", "application/json"}},
                     R"({"status":"CONFIRMED","note":")" + std::string(300, 'n') + "\"}");
    REQUIRE(reply.status == 200);
    ++version;
    for (auto& reader : readers) REQUIRE(reads_up_to(reader, version));
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
  }
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

}  // namespace

TEST_CASE("a subscriber that stops reading costs little, delays nobody and gets the final version",
          "[stalled]") {
  const char* transport = std::getenv("TRANSPORT");
  Program program({FANOUT_SERVER_PATH}, {{"PORT", "0"},
                                         {"JWT_SECRET", "secret"},
                                         {"HIGH_WATER_BYTES", "32768"},  // the transports' default
                                         {"TRANSPORT", transport == nullptr ? "asio" : transport}});
  std::vector<WsClient> readers;
  for (std::size_t i = 0; i < reading_count; ++i) readers.push_back(subscriber(program));
  long long version = 0;
  const auto undisturbed = change_and_read(program, readers, version);

  std::vector<WsClient> stalled;
  for (std::size_t i = 0; i < stalled_count; ++i) {
    stalled.push_back(subscriber(program, small_buffer));
  }
  const auto before = resident_bytes(program.pid());
  const auto disturbed = change_and_read(program, readers, version);
  const auto after = resident_bytes(program.pid());
  const auto each = after > before ? (after - before) / stalled_count : 0;
  std::printf(
      "%d changes, %zu stalled: %zu bytes each; p99 of the others %.0f us, before %.0f us\n",
      changes, stalled_count, each, disturbed, undisturbed);
  if (!is_sanitized) CHECK(each < bound_each);
  for (auto& client : stalled) CHECK(reads_up_to(client, version));
  CHECK(program.end().code == 0);
}
