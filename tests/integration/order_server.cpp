// SPDX-License-Identifier: MIT
#include "order_server.hpp"

#include "../support/postgres_server.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <sstream>
#include <utility>

namespace ordercast::test {
namespace {

/// Whether servers keep their data in PostgreSQL: each in a database of its own, on one server that
/// is started for all tests of the program.
bool on_postgres() {
  return std::getenv("ORDER_SERVER_ON_POSTGRES") != nullptr;
}

/// The name of the demo's database there; "" before there is one.
std::string& demo_database() {
  static std::string name;
  return name;
}

std::filesystem::path demo_directory() {
  static const TempDir directory;
  return directory.path();
}

/// A database is its file and, after a crash, SQLite's files beside it.
void copy_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    if (entry.path().filename().string().rfind("orders.db", 0) == 0) {
      std::filesystem::copy(entry.path(), to / entry.path().filename(),
                            std::filesystem::copy_options::overwrite_existing);
    }
  }
}

void sign_in(const OrderServer& server, Account& account) {
  const auto reply = server.anonymous().login(account.email, account.password);
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  const auto claims = claims_of(text_of(reply.data(), "accessToken"));
  account.id = text_of(claims, "sub");
  account.role = text_of(claims, "role");
  account.organization_id = text_of(claims, "organizationId");
  REQUIRE_FALSE(account.id.empty());
  account.token = token_for(account.id, account.role, account.organization_id);
}

Json place_order(const OrderServer& server, const Account& customer, const Shelf& shelf,
                 const std::string& payment_method, const std::string& fulfillment_type) {
  const auto reply = server.as(customer).post(
      "/api/v1/orders",
      {{"storeId", shelf.store_id},
       {"items", Json::array({{{"productId", shelf.product_id}, {"quantity", 1}}})},
       {"paymentMethod", payment_method},
       {"fulfillmentType", fulfillment_type},
       {"deliveryAddress", fulfillment_type == "DELIVERY" ? Json("1 Quiet Street") : Json()}});
  INFO(reply.body);
  REQUIRE(reply.status == 201);
  return reply.data();
}

Demo discover() {
  Demo found;
  {
    OrderServer server({}, Database::empty);
    for (auto* account :
         {&found.admin, &found.manager, &found.manager2, &found.customer, &found.customer2}) {
      sign_in(server, *account);
    }
    REQUIRE(server.drain().code == 0);
    if (on_postgres()) {
      demo_database() =
          PostgresServer::shared().create_database(server.database().filename().string());
    } else {
      copy_files(server.database().parent_path(), demo_directory());
    }
  }
  // On a copy, so that these orders are in no other test's database.
  OrderServer server;
  for (const auto& store : server.as(found.customer).get("/api/v1/stores").data()) {
    Shelf shelf{text_of(store, "id"), {}};
    const auto products =
        server.as(found.customer).get("/api/v1/products?storeId=" + shelf.store_id);
    INFO(products.body);
    REQUIRE(products.status == 200);
    REQUIRE_FALSE(products.data().empty());
    shelf.product_id = text_of(products.data().at(0), "id");
    const auto order = place_order(server, found.customer, shelf, "COD", "DELIVERY");
    found.shelves.emplace(text_of(order, "organizationId"), shelf);
  }
  REQUIRE(found.shelves.count("org-1") == 1);
  REQUIRE(found.shelves.count("org-2") == 1);
  return found;
}

}  // namespace

const Demo& demo() {
  static const Demo found = discover();
  return found;
}

Command order_server_command(const std::filesystem::path& database,
                             const std::filesystem::path& log) {
  Command command;
  const char* path = std::getenv("ORDER_SERVER");
  command.argv = {path != nullptr ? path : ORDER_SERVER_PATH,
                  "--host",
                  "127.0.0.1",
                  "--port",
                  "0",
                  "--db",
                  database.string(),
                  "--threads",
                  "2",
                  "--writes-per-second",  // Tests write faster than any customer.
                  "0",
                  "--staff-writes-per-second",
                  "0"};
  if (const char* more = std::getenv("ORDER_SERVER_ARGS")) {
    std::istringstream words(more);
    command.argv.insert(command.argv.end(), std::istream_iterator<std::string>(words), {});
  }
  command.environment = {{"JWT_SECRET", std::string(jwt_secret)},
                         {"RAZORPAY_KEY_SECRET", std::string(razorpay_secret)},
                         {"FCM_SERVICE_ACCOUNT", std::nullopt}};
  command.stderr_file = log;
  return command;
}

std::optional<std::uint16_t> port_of_ready_line(const std::string& line) {
  const std::string secure = line.rfind("listening on https:", 0) == 0 ? "s" : "";
  const std::string prefix = "listening on http" + secure + "://127.0.0.1:";
  if (line.rfind(prefix, 0) != 0) return std::nullopt;
  const auto port = std::atoi(line.c_str() + prefix.size());
  const auto digits = std::to_string(port);
  if (line != prefix + digits + " ws" + secure + "://127.0.0.1:" + digits + "/ws")
    return std::nullopt;
  if (port <= 0 || port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

OrderServer::OrderServer(std::vector<std::string> args, Database database, Environment environment)
    : args_(std::move(args)), environment_(std::move(environment)) {
  // While `demo()` itself runs, its database already exists.
  const bool has_demo =
      !demo_database().empty() || std::filesystem::exists(demo_directory() / "orders.db");
  if (database == Database::demo_copy && !has_demo) static_cast<void>(demo());
  if (on_postgres()) {
    auto& server = PostgresServer::shared();
    const auto from = database == Database::demo_copy ? demo_database() : "template0";
    database_ = server.url(server.create_database(from));
  } else {
    database_ = directory_.path() / "orders.db";
    if (database == Database::demo_copy) copy_files(demo_directory(), directory_.path());
  }
  start();
}

OrderServer::~OrderServer() {
  const auto ended = drain();
  const auto log_text = log();
  const bool clean = ended.code == 0 || ended.signal == SIGKILL;
  const bool silent = process_ == nullptr || process_->read_to_end(patience).empty();
  const bool no_token = log_text.find("eyJ") == std::string::npos;
  const bool no_report = log_text.find("Sanitizer") == std::string::npos &&
                         log_text.find("runtime error:") == std::string::npos;
  const bool no_crash = log_text.find(crash_mark) == std::string::npos;
  if (!clean || !no_report || !no_crash || std::uncaught_exceptions() > 0 ||
      !Catch::getResultCapture().lastAssertionPassed()) {
    std::cerr << "---- the server's log ----\n" << log_text << "--------------------------\n";
  }
  if (on_postgres()) PostgresServer::shared().drop_database(database_.filename().string());
  CHECK(clean);
  CHECK(silent);
  CHECK(no_token);
  CHECK(no_report);
  CHECK(no_crash);
}

void OrderServer::start() {
  start_with({});
}

void OrderServer::start_with(const Environment& environment) {
  auto command = order_server_command(database(), log_file());
  command.argv.insert(command.argv.end(), args_.begin(), args_.end());
  for (const Environment* more : {&std::as_const(environment_), &environment}) {
    for (const auto& variable : *more) {
      auto& all = command.environment;
      all.erase(std::remove_if(all.begin(), all.end(),
                               [&](const auto& other) { return other.first == variable.first; }),
                all.end());
      all.push_back(variable);
    }
  }
  process_ = std::make_unique<ChildProcess>(command);
  const auto line = process_->read_line(patience);
  INFO(log());
  REQUIRE(line.has_value());
  INFO(*line);
  const auto port = port_of_ready_line(*line);
  REQUIRE(port.has_value());
  port_ = *port;
}

ExitStatus OrderServer::wait() {
  return process_->wait(patience).value_or(ExitStatus{});
}

ExitStatus OrderServer::drain() {
  process_->signal(SIGTERM);
  return process_->wait(patience).value_or(ExitStatus{});
}

void OrderServer::kill() {
  process_->signal(SIGKILL);
  REQUIRE(process_->wait(patience).has_value());
}

Json OrderServer::new_order(const Account& customer, const std::string& organization,
                            const std::string& payment_method,
                            const std::string& fulfillment_type) const {
  auto order = place_order(*this, customer, demo().shelves.at(organization), payment_method,
                           fulfillment_type);
  settle();
  return order;
}

void OrderServer::settle() const {
  REQUIRE(metric_becomes("ordercast_outbox_depth", 0));
}

Json OrderServer::order(const std::string& id) const {
  const auto reply = as(demo().admin).order(id);
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  return reply.data();
}

std::optional<double> OrderServer::metric(const std::string& name) const {
  std::istringstream lines(anonymous().get("/metrics").body);
  std::optional<double> sum;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(name, 0) != 0) continue;
    const char next = line.size() > name.size() ? line[name.size()] : '\0';
    if (next != ' ' && next != '{') continue;
    sum = sum.value_or(0) + std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

bool OrderServer::metric_becomes(const std::string& name, double value) const {
  return eventually([&] { return metric(name) == value; });
}

std::string token_for(const std::string& user_id, const std::string& role,
                      const std::string& organization_id) {
  return sign_token(jwt_secret, access_claims(user_id, role, organization_id));
}

std::string ws_target(const std::string& token) {
  return "/ws?token=" + token;
}

std::string payment_signature(const std::string& razorpay_order_id, const std::string& payment_id) {
  return hex(hmac_sha256(razorpay_secret, razorpay_order_id + "|" + payment_id));
}

bool eventually(const std::function<bool()>& probe) {
  const auto until = std::chrono::steady_clock::now() + patience;
  do {
    if (probe()) return true;
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

}  // namespace ordercast::test
