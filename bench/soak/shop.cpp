// SPDX-License-Identifier: MIT
#include "shop.hpp"

#include "../loopback/crowd.hpp"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <set>
#include <sstream>
#include <stdexcept>

namespace ordercast::bench {
namespace {

using test::ApiClient;
using test::Json;

constexpr std::array<const char*, 5> way = {"CONFIRMED", "PREPARING", "READY", "OUT_FOR_DELIVERY",
                                            "DELIVERED"};

/// Only users in the database may place orders, and the API can't create users.
void add_customers(const std::filesystem::path& database, const std::set<std::string>& users) {
  std::string sql = "PRAGMA busy_timeout=10000; BEGIN IMMEDIATE;";
  for (const auto& user : users) {
    sql += "INSERT INTO users (id, email, name, password_hash, role) VALUES ('" + user + "', '" +
           user + "@soak.example', 'Soak', '*', 'CUSTOMER');";
  }
  sqlite3* handle = nullptr;
  int status = ::sqlite3_open(database.c_str(), &handle);
  if (status == SQLITE_OK)
    status = ::sqlite3_exec(handle, (sql + "COMMIT;").c_str(), nullptr, nullptr, nullptr);
  const std::string error = status == SQLITE_OK ? "" : ::sqlite3_errmsg(handle);
  ::sqlite3_close(handle);
  if (!error.empty()) throw std::runtime_error("no users: " + error);
}

}  // namespace

SoakServer::SoakServer(std::string program, std::vector<std::string> options)
    : program_(std::move(program)), options_(std::move(options)) {
  start();
}

void SoakServer::start() {
  std::vector<std::string> argv{program_,
                                "--port",
                                std::to_string(port_),
                                "--db",
                                database().string(),
                                "--max-connections-per-user",
                                "0",
                                "--writes-per-second",
                                "0",
                                "--staff-writes-per-second",
                                "0"};
  argv.insert(argv.end(), options_.begin(), options_.end());
  const auto log = directory_.path() / "log";
  process_ =
      std::make_unique<test::ChildProcess>(test::Command{argv, {{"JWT_SECRET", soak_secret}}, log});
  const auto port = test::announced_port(process_->read_line(std::chrono::seconds(120)));
  if (!port) throw std::runtime_error("the server did not start: " + test::read_file(log));
  port_ = *port;
  pid_ = process_->pid();
}

void SoakServer::kill() {
  pid_ = 0;
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(30));
}

bool SoakServer::drain() {
  process_->signal(SIGTERM);
  const auto end = process_->wait(std::chrono::seconds(60));
  pid_ = 0;
  return end && end->code == 0;
}

std::size_t SoakServer::resident_bytes() const {
  return test::resident_bytes(pid_);
}

std::optional<double> SoakServer::metric(const std::string& name) const {
  if (pid_ == 0) return std::nullopt;
  const auto reply = ApiClient(port_).get("/metrics");
  std::istringstream lines(reply.body);
  std::optional<double> sum;
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const auto next = line[name.size()];
    if (next != ' ' && next != '{') continue;
    sum = sum.value_or(0) + std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

Shop::Shop(const SoakServer& server, const std::vector<std::string>& owners)
    : server_(server), admin_token_(token_for("soak-admin", "SUPER_ADMIN", soak_secret)) {
  add_customers(server_.database(), {owners.begin(), owners.end()});
  const ApiClient admin(server_.port(), admin_token_);
  const auto stores = admin.get("/api/v1/stores").data();
  const auto store_id = test::text_of(stores.at(0), "id");
  const auto products = admin.get("/api/v1/products?storeId=" + store_id).data();
  const Json order = {{"storeId", store_id},
                      {"items", {{{"productId", products.at(0).at("id")}, {"quantity", 2}}}},
                      {"paymentMethod", "COD"},
                      {"fulfillmentType", "DELIVERY"},
                      {"deliveryAddress", "1 Quiet Street"}};
  for (const auto& owner : owners) {
    const ApiClient customer(server_.port(), token_for(owner, "CUSTOMER", soak_secret));
    const auto reply = customer.post("/api/v1/orders", order);
    if (reply.status != 201) throw std::runtime_error("no order: " + reply.body);
    ongoing_.push_back(ids_.size());
    ids_.push_back(test::text_of(reply.data(), "id"));
  }
  stage_.resize(ids_.size());
}

void Shop::start(double per_second) {
  stopping_ = false;
  thread_ = std::thread([this, per_second] {
    const auto interval = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(1 / per_second));
    for (auto due = std::chrono::steady_clock::now(); !stopping_ && !ongoing_.empty();
         due += interval) {
      std::this_thread::sleep_until(due);
      // Skip changes that were missed instead of catching up in a burst.
      due = std::max(due, std::chrono::steady_clock::now() - interval);
      change_one();
    }
  });
}

void Shop::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Shop::change_one() {
  const auto at = random_() % ongoing_.size();
  const auto order = ongoing_[at];
  const auto reply =
      ApiClient(server_.port(), admin_token_).set_status(ids_[order], way[stage_[order]]);
  if (reply.status == 0) {  // The server is down; its committed versions are read at the end.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return;
  }
  // 400: the change was committed before, and its answer was lost with the server.
  if (reply.status == 200) ++changes_;
  if (reply.status != 200 && reply.status != 400) return;
  if (++stage_[order] < way.size()) return;
  ongoing_[at] = ongoing_.back();
  ongoing_.pop_back();
}

std::vector<std::uint64_t> Shop::final_versions() const {
  std::vector<std::uint64_t> versions;
  const ApiClient admin(server_.port(), admin_token_);
  for (const auto& id : ids_) {
    const auto reply = admin.order(id);
    if (reply.status != 200) throw std::runtime_error("no order: " + reply.body);
    versions.push_back(static_cast<std::uint64_t>(test::integer_of(reply.data(), "version")));
  }
  return versions;
}

}  // namespace ordercast::bench
