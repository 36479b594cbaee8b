// SPDX-License-Identifier: MIT
#include "config_check.hpp"

#include "app_options.hpp"
#include "domain/printable.hpp"
#include "push/service_account.hpp"
#include "secrets.hpp"
#include "store/demo_start.hpp"
#include "store/open_database.hpp"
#include <ordercast/net/tls.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <variant>

namespace order_server {
namespace {

/// Throws if `host` is not an address of this machine. Takes a free port for a moment: the one of
/// the configuration may belong to the server that runs.
void require_own_address(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE;
  addrinfo* first = nullptr;
  if (const int error = getaddrinfo(host.c_str(), "0", &wanted, &first); error != 0) {
    throw std::runtime_error("'" + host + "' can't be resolved (" + gai_strerror(error) +
                             "); allowed is an address or a name of this machine");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(first, &freeaddrinfo);
  const int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool is_own = descriptor >= 0 && bind(descriptor, found->ai_addr, found->ai_addrlen) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (is_own) return;
  throw std::runtime_error("can't listen on '" + host + "' (" +
                           std::generic_category().message(error) +
                           "); allowed is an address or a name of this machine");
}

/// Throws if the database can't be used, or if a start would refuse a new one.
void require_usable_database(const Config& config) {
  if (auto wrong = unusable_database(database_options(config)); !wrong.empty()) {
    throw std::runtime_error(wrong);
  }
  std::error_code error;
  if (is_shared_database(config.db) || std::filesystem::exists(config.db, error)) return;
  const bool is_private = listens_on_loopback(config.host);
  if (!is_private && config.demo_data == DemoMode::automatic) {
    throw std::runtime_error(demo_data_choices(config.host));
  }
  const bool becomes_demo = is_private && config.demo_data != DemoMode::off;
  if (config.jwt_secret.empty() && !becomes_demo) throw std::runtime_error(missing_jwt_secret());
}

class Findings {
 public:
  /// Notes what `check` throws as a problem of `setting`.
  template <class Check>
  void look(const std::string& setting, const Check& check) {
    try {
      check();
    } catch (const std::exception& error) {
      problems_.push_back(setting + ": " + error.what());
    }
  }
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  std::vector<std::string> problems_;
};

std::vector<std::string> problems_of(const Config& config) {
  Findings findings;
  findings.look("--host", [&] { require_own_address(config.host); });
  findings.look("--tls-cert, --tls-key", [&] { static_cast<void>(tls_context(config)); });
  findings.look("--nats-cert, --nats-key", [&] {
    if (config.nats_certificate.empty()) return;
    static_cast<void>(ordercast::net::TlsContext(config.nats_certificate, config.nats_key));
  });
  findings.look("--web-root", [&] { static_cast<void>(pages_of(config)); });
  findings.look("FCM_SERVICE_ACCOUNT", [&] {
    if (config.fcm_service_account.empty()) return;
    static_cast<void>(load_service_account(config.fcm_service_account));
  });
  findings.look("--db", [&] { require_usable_database(config); });
  return findings.problems();
}

void write_lines(const std::vector<std::string>& lines, const char* before, std::FILE* to) {
  for (const auto& line : lines) std::fprintf(to, "%s%s\n", before, one_line(line).c_str());
}

}  // namespace

bool is_check_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "check-config";
}

int run_check_command(const std::vector<std::string>& arguments, const Environment& environment,
                      std::FILE* out, std::FILE* err) {
  const auto parsed = parse_config({arguments.begin() + 1, arguments.end()}, environment);
  if (const auto* end = std::get_if<ConfigExit>(&parsed)) {
    if (end->code == 0) {
      std::fputs(
          "order_server check-config: prints what a start with these options would refuse.\n", out);
    }
    std::fputs(end->out.c_str(), out);
    write_lines(end->problems, "", err);
    return end->code;
  }
  const auto& config = std::get<Config>(parsed);
  const auto problems = problems_of(config);
  write_lines(config.notices, "note: ", err);
  write_lines(problems, "", err);
  if (!problems.empty()) return 1;
  std::fputs("the configuration can be used\n", out);
  return 0;
}

}  // namespace order_server
