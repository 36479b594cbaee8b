// SPDX-License-Identifier: MIT
#include "store/postgres/address.hpp"

#include "domain/printable.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>

namespace order_server::postgres {
namespace {

constexpr std::array<std::string_view, 2> schemes{"postgres://", "postgresql://"};

std::string_view scheme_of(std::string_view url) noexcept {
  for (const auto scheme : schemes) {
    if (url.substr(0, scheme.size()) == scheme) return scheme;
  }
  return {};
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

/// Nothing if libpq can't read the URL. Its message would quote a part of it.
Address parse(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(url.c_str(), &error));
  PQfreemem(error);
  Address address;
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val != nullptr) address.emplace_back(option->keyword, option->val);
  }
  return address;
}

const std::string* find(const Address& address, std::string_view key) {
  const auto found = std::find_if(address.begin(), address.end(),
                                  [key](const auto& entry) { return entry.first == key; });
  return found == address.end() ? nullptr : &found->second;
}

bool is_local(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         host == "::1" || host.substr(0, 4) == "127.";
}

}  // namespace

bool is_url(std::string_view db) noexcept {
  return !scheme_of(db).empty();
}

std::string shown(std::string_view url) {
  const auto scheme = scheme_of(url);
  if (scheme.empty()) return printable(url);
  auto rest = url.substr(scheme.size());
  rest = rest.substr(0, rest.find('?'));
  // A password may hold what it should not: an @ or a slash.
  const auto at = rest.rfind('@');
  std::string user;
  if (at != std::string_view::npos) {
    user = std::string(rest.substr(0, std::min(at, rest.find(':')))) + "@";
    rest = rest.substr(at + 1);
  }
  return printable(std::string(scheme) + user + std::string(rest));
}

std::string complaint(const std::string& url) {
  const auto address = parse(url);
  // A slash in a password ends the host too early; the rest would be taken for a port, and told.
  const auto database = url.find('/', scheme_of(url).size());
  const bool is_split = url.substr(0, url.find('?')).find('@', database) != std::string::npos;
  if (address.empty() || (database != std::string::npos && is_split)) {
    return "'" + shown(url) +
           "' is no URL of a PostgreSQL database; one is "
           "postgres://USER@HOST:PORT/DATABASE?OPTION=VALUE with special characters as %XX, and "
           "the options are those of libpq (sslmode, passfile, ...)";
  }
  if (find(address, "password") != nullptr || find(address, "sslpassword") != nullptr) {
    return "'" + shown(url) +
           "' holds a password, which the process list shows; give it as DB_PASSWORD or "
           "DB_PASSWORD_FILE, or name a file with ?passfile=";
  }
  return {};
}

Address address_of(const std::string& url, const std::string& password) {
  if (const auto wrong = complaint(url); !wrong.empty()) throw StoreError("the database " + wrong);
  auto address = parse(url);
  const auto use_default = [&address](const char* key, const char* value) {
    if (find(address, key) == nullptr) address.emplace_back(key, value);
  };
  use_default("fallback_application_name", "order_server");
  use_default("target_session_attrs", "read-write");
  use_default("keepalives_idle", "10");
  use_default("keepalives_interval", "5");
  use_default("keepalives_count", "3");
  use_default("tcp_user_timeout", "20000");
  address.emplace_back("client_encoding", "UTF8");
  if (!password.empty()) address.emplace_back("password", password);
  return address;
}

bool is_verified(const Address& address) {
  const auto* mode = find(address, "sslmode");
  if (mode != nullptr && *mode == "verify-full") return true;
  const auto* host = find(address, "hostaddr");
  if (host == nullptr) host = find(address, "host");
  std::string_view hosts = host == nullptr ? std::string_view() : std::string_view(*host);
  for (;;) {
    const auto comma = hosts.find(',');
    if (!is_local(hosts.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace order_server::postgres
