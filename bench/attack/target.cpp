// SPDX-License-Identifier: MIT
#include "target.hpp"

#include "../../tests/support/api_client.hpp"
#include "field.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace ordercast::bench {
namespace {

using std::chrono::seconds;

}  // namespace

Target::Target(const std::string& program, std::vector<std::string> options, bool full_stderr) {
  std::filesystem::create_directory(pages());
  std::ofstream(pages() / "index.html") << "<!doctype html>" << std::string(32 * 1024, '-');
  std::vector<std::string> argv{
      program,          "--port",          "0", "--db", database().string(), "--web-root",
      pages().string(), "--drain-seconds", "5"};
  argv.insert(argv.end(), options.begin(), options.end());
  if (full_stderr) {
    if (::mkfifo(log().c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    pipe_ = ::open(log().c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  }
  process_ = std::make_unique<test::ChildProcess>(test::Command{
      argv,
      {{"JWT_SECRET", attack_secret}, {"RAZORPAY_WEBHOOK_SECRET", attack_webhook_secret}},
      log()});
  const auto port = test::announced_port(process_->read_line(seconds(120)));
  if (!port) throw std::runtime_error("no server: " + test::read_file(log()));
  port_ = *port;
  add_customers();
}

Target::~Target() {
  if (pipe_ >= 0) ::close(pipe_);
}

/// Only users in the database may place orders, and the API can't create users.
void Target::add_customers() const {
  std::string sql = "PRAGMA busy_timeout=10000; BEGIN IMMEDIATE;";
  for (std::size_t i = 0; i < attackers; ++i) {
    const auto user = Field::user(i);
    // Use the password hash of a customer of the demo data.
    sql += "INSERT INTO users (id, email, name, password_hash, role) SELECT '" + user + "', '" +
           user + "@attack.example', 'Attacker', password_hash, role FROM users WHERE id = " +
           "'user-customer';";
  }
  sqlite3* handle = nullptr;
  int status = ::sqlite3_open(database().c_str(), &handle);
  if (status == SQLITE_OK) {
    status = ::sqlite3_exec(handle, (sql + "COMMIT;").c_str(), nullptr, nullptr, nullptr);
  }
  const std::string error = status == SQLITE_OK ? "" : ::sqlite3_errmsg(handle);
  ::sqlite3_close(handle);
  if (!error.empty()) throw std::runtime_error("no users: " + error);
}

double Target::rss_mib() const {
  return static_cast<double>(test::resident_bytes(pid())) / (1 << 20U);
}

std::chrono::milliseconds Target::cpu_time() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid(), &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::milliseconds(time.tv_sec * 1000 + time.tv_nsec / 1'000'000);
}

std::string Target::metrics() const {
  return test::ApiClient(port_).get("/metrics").body;
}

double Target::metric(const std::string& page, const std::string& name) {
  std::istringstream lines(page);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const auto next = line[name.size()];
    if (next == ' ' || next == '{') sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

Holdings Target::holdings() const {
  Holdings found;
  found.rss_mib = rss_mib();
  std::error_code gone;
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid()) + "/fd", gone);
  if (!gone) {
    // Count sockets only: SQLite opens its log for each reader when it is first used.
    found.descriptors =
        static_cast<std::size_t>(std::count_if(begin(folder), end(folder), [](const auto& entry) {
          std::error_code ignored;
          return std::filesystem::read_symlink(entry, ignored).string().rfind("socket:", 0) == 0;
        }));
  }
  const auto page = metrics();
  found.connections = page.empty() ? -1 : metric(page, "ordercast_connections");
  found.subscriptions = metric(page, "ordercast_subscriptions");
  found.queued =
      metric(page, "ordercast_worker_queue_depth") + metric(page, "ordercast_outbox_depth");
  return found;
}

std::string Target::read_log() {
  if (pipe_ < 0) return test::read_file(log());
  std::string text;
  char chunk[4096];
  for (ssize_t n = 0; (n = ::read(pipe_, chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<std::size_t>(n));
  }
  return text;
}

std::vector<std::string> Target::bad_log_lines() {
  std::vector<std::string> bad;
  std::istringstream lines(read_log());
  for (std::string line; std::getline(lines, line);) {
    for (const char* mark : {"crash", "backtrace", "order_server ended by", "terminate called",
                             "Assertion", "ERROR: AddressSanitizer", "has been stalled",
                             "unknown exception", "std::", "bad_alloc"}) {
      if (line.find(mark) == std::string::npos) continue;
      bad.push_back(line.substr(0, 300));
      break;
    }
  }
  return bad;
}

bool Target::ends_well(std::chrono::seconds most) {
  const auto end = process_->wait(most);
  return end && end->code == 0;
}

}  // namespace ordercast::bench
