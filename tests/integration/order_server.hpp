// SPDX-License-Identifier: MIT
#pragma once

#include "../support/api_client.hpp"
#include "../support/process.hpp"
#include "tokens.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The real `order_server` process under test, observed only through its sockets, streams and
/// files.
///
/// Main thread only, except for the values that it returns (`ApiClient`, tokens, ids).
namespace ordercast::test {

/// Long enough for a sanitizer build on a busy machine; only a failing test ever waits for it.
inline constexpr std::chrono::milliseconds patience{30'000};

/// The beginning of a crash report.
inline constexpr std::string_view crash_mark = "order_server: fatal signal";

inline constexpr std::string_view jwt_secret = "the integration tests' very own JWT secret";
inline constexpr std::string_view razorpay_secret = "the integration tests' own razorpay secret";

/// A user of the demo data, with a token that outlives the test.
struct Account {
  std::string email;
  std::string password;
  std::string id;
  std::string role;
  std::string organization_id;
  std::string token;
};

/// The store and product with which orders of an organisation are placed.
struct Shelf {
  std::string store_id;
  std::string product_id;
};

/// The demo data of an empty database, read once for all tests of a process.
struct Demo {
  Account admin{"admin@martly.dev", "admin123", {}, {}, {}, {}};
  Account manager{"manager@martly.dev", "manager123", {}, {}, {}, {}};
  Account manager2{"manager2@martly.dev", "manager123", {}, {}, {}, {}};
  Account customer{"customer@martly.dev", "customer123", {}, {}, {}, {}};
  Account customer2{"customer2@martly.dev", "customer123", {}, {}, {}, {}};
  std::map<std::string, Shelf> shelves;  ///< By organisation.
};

/// Starts a server on an empty database at the first call. Later servers start on a copy of that
/// database: hashing five passwords for every test would take longer than the tests.
[[nodiscard]] const Demo& demo();

/// Variables besides the usual ones; one without a value is removed.
using Environment = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// Where a server's database comes from.
enum class Database { demo_copy, empty };

class OrderServer {
 public:
  /// Starts and waits for the ready line. `args` come after the common ones and override them.
  explicit OrderServer(std::vector<std::string> args = {}, Database database = Database::demo_copy,
                       Environment environment = {});
  OrderServer(const OrderServer&) = delete;
  OrderServer& operator=(const OrderServer&) = delete;
  /// Drains a server that still runs, and checks what every test expects: exit code 0, one line on
  /// stdout, and no token, crash or sanitizer report in the log.
  ~OrderServer();

  /// Starts it (again) on the same database.
  void start();
  /// The same, with variables that override all others.
  void start_with(const Environment& environment);
  /// The flags of the next start.
  void set_args(std::vector<std::string> args) { args_ = std::move(args); }
  /// Waits until it ends by itself.
  ExitStatus wait();
  /// Sends SIGTERM. Returns how it ended.
  ExitStatus drain();
  /// Sends SIGKILL: it gets no chance to clean up.
  void kill();

  [[nodiscard]] ChildProcess& process() { return *process_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// What `--db` is: a file, or where ORDER_SERVER_ON_POSTGRES is set a URL, which is a path too.
  [[nodiscard]] const std::filesystem::path& database() const noexcept { return database_; }
  [[nodiscard]] std::string log() const { return read_file(log_file()); }

  [[nodiscard]] ApiClient anonymous() const { return ApiClient(port_); }
  [[nodiscard]] ApiClient as(const Account& account) const {
    return ApiClient(port_, account.token);
  }
  [[nodiscard]] ApiClient as(const std::string& token) const { return ApiClient(port_, token); }

  /// Returns when every committed change has been broadcast, so that a new connection gets only
  /// later ones.
  void settle() const;

  /// Places an order and waits for its broadcast. Returns the API's answer.
  [[nodiscard]] Json new_order(const Account& customer, const std::string& organization = "org-1",
                               const std::string& payment_method = "COD",
                               const std::string& fulfillment_type = "DELIVERY") const;

  /// The current order as SUPER_ADMIN sees it.
  [[nodiscard]] Json order(const std::string& id) const;

  /// Returns the sum of all series of a metric in /metrics; nullopt if there is none.
  [[nodiscard]] std::optional<double> metric(const std::string& name) const;

  /// Polls /metrics until the metric has the value. Returns false on timeout.
  [[nodiscard]] bool metric_becomes(const std::string& name, double value) const;

 private:
  [[nodiscard]] std::filesystem::path log_file() const { return directory_.path() / "stderr.log"; }

  TempDir directory_;
  std::filesystem::path database_;
  std::vector<std::string> args_;
  Environment environment_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
};

/// The command line that every test starts with: a free port, the database, and whatever
/// ORDER_SERVER_ARGS says (a transport, for instance).
[[nodiscard]] Command order_server_command(const std::filesystem::path& database,
                                           const std::filesystem::path& log);

/// The port in `listening on http://HOST:PORT ws://HOST:PORT/ws`, or https and wss; nothing for any
/// other line.
[[nodiscard]] std::optional<std::uint16_t> port_of_ready_line(const std::string& line);

/// A token for anyone, in the database or not.
[[nodiscard]] std::string token_for(const std::string& user_id, const std::string& role,
                                    const std::string& organization_id = {});

[[nodiscard]] std::string ws_target(const std::string& token);

/// The signature that Razorpay would give a payment.
[[nodiscard]] std::string payment_signature(const std::string& razorpay_order_id,
                                            const std::string& payment_id);

/// Repeats `probe` until it returns true. Returns false on timeout. The probe must block on a
/// socket (a request), or this burns a core.
[[nodiscard]] bool eventually(const std::function<bool()>& probe);

}  // namespace ordercast::test
