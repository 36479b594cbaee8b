// SPDX-License-Identifier: MIT
#include "domain/ids.hpp"
#include "domain/printable.hpp"
#include "operators/command_database.hpp"
#include "operators/commands.hpp"
#include "operators/printable_text.hpp"
#include "secrets.hpp"
#include "workers/wall_clock.hpp"
#include <ordercast/detail/utf8.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace order_server {
namespace {

constexpr std::size_t max_email_bytes = 254;  // RFC 5321 section 4.5.3.1.3
constexpr std::size_t min_password_bytes = 8;
constexpr std::size_t max_password_bytes = 1024;  // the limit of the API

/// The values of the options.
struct OptionValues {
  std::string db = usual_database;
  std::string email;
  std::string role;
  std::string organization;
  std::string name;
  std::string phone;
  std::string password_file;
};

bool is_plain(std::string_view text) {
  return printable(text, text.size()) == text && text.find_first_of(" ,;<>\"") == std::string::npos;
}

CLI::Validator email_address() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const auto at = text.rfind('@');
        const bool good = at != std::string::npos && at > 0 && at + 1 < text.size() &&
                          text.size() <= max_email_bytes && is_plain(text);
        return good ? "" : "'" + printable(text) + "' is no e-mail address";
      },
      "");
}

CLI::Validator role_name() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        if (role_from_string(text)) return "";
        return "'" + printable(text) + "' is not allowed; allowed are " + role_names();
      },
      "");
}

/// The form in which sign-ins look it up.
std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// Reads the password. Throws std::runtime_error if it can't be used.
std::string new_password(const OptionValues& values,
                         const std::function<std::string()>& ask_password) {
  std::string password;
  if (values.password_file.empty()) {
    password = ask_password();
  } else {
    const auto read = read_secret(
        [&](const char* name) -> std::optional<std::string> {
          if (std::string_view(name) != "password_FILE") return std::nullopt;
          return values.password_file;
        },
        "password");
    if (!read.value) {
      throw std::runtime_error("--password-file" + read.wrong.substr(read.wrong.find(':')));
    }
    password = *read.value;
  }
  // A sign-in sends the password as JSON.
  if (!ordercast::detail::is_utf8(password) || password.find('\0') != std::string::npos) {
    throw std::runtime_error("the password must be UTF-8 text without NUL");
  }
  if (password.size() < min_password_bytes || password.size() > max_password_bytes) {
    throw std::runtime_error("the password has " + std::to_string(password.size()) + " bytes; " +
                             std::to_string(min_password_bytes) + " to " +
                             std::to_string(max_password_bytes) + " are allowed");
  }
  return password;
}

User existing(Database& store, const std::string& email) {
  auto user = store.find_user_by_email(lower_case(email));
  if (!user)
    throw std::runtime_error("there is no user '" + email + "'; `user list` prints all users");
  return *user;
}

/// Says why a role and an organization don't go together; "" if they do.
std::string complaint(const OptionValues& values) {
  const auto role = role_from_string(values.role);
  const bool is_of_one = role && has_organization(*role);
  if (is_of_one && values.organization.empty()) return "--role " + values.role + " needs --org";
  if (!is_of_one && !values.organization.empty()) {
    return "--role " + values.role + " belongs to no organization; leave --org out";
  }
  return {};
}

void add(Database& store, const OptionValues& values, const std::string& password,
         const PasswordHasher& hasher, std::FILE* out) {
  User user;
  user.id = random_uuid();
  user.email = lower_case(values.email);
  user.name = values.name.empty() ? user.email.substr(0, user.email.rfind('@')) : values.name;
  user.role = *role_from_string(values.role);
  user.organization_id = values.organization;
  user.phone = values.phone;
  user.password_hash = hasher.hash(password);
  if (store.find_user_by_email(user.email)) {
    throw std::runtime_error("there is a user '" + user.email + "' already");
  }
  store.add_user(user);
  std::fprintf(out, "%s\n", user.id.c_str());
}

void list(Database& store, std::FILE* out) {
  std::fprintf(out, "%-36s %-32s %-13s %-20s %-8s %s\n", "ID", "EMAIL", "ROLE", "ORGANIZATION",
               "STATE", "NAME");
  for (const auto& user : store.list_users()) {
    const std::string role(to_string(user.role));
    std::fprintf(out, "%-36s %-32s %-13s %-20s %-8s %s\n", printable(user.id).c_str(),
                 printable(user.email).c_str(), role.c_str(),
                 user.organization_id.empty() ? "-" : printable(user.organization_id).c_str(),
                 user.is_disabled ? "disabled" : "active", printable(user.name).c_str());
  }
}

/// The verbs and their options.
struct Commands {
  explicit Commands(CLI::App& app, OptionValues& values)
      : add(app.add_subcommand(
            "add", "Add a user and print the new id; creates the database if it does not exist")),
        list(app.add_subcommand("list", "Print all users, by e-mail address")),
        disable(app.add_subcommand(
            "disable", "Disable a user and end all their sign-ins, connections and devices")),
        enable(app.add_subcommand("enable", "Enable a disabled user again")),
        set_password(app.add_subcommand(
            "set-password", "Set a new password and end all sign-ins, connections and devices")) {
    app.require_subcommand(1);
    for (auto* command : {add, list, disable, enable, set_password}) {
      add_database_option(*command, values.db);
    }
    for (auto* command : {add, disable, enable, set_password}) {
      command->add_option("--email", values.email, "E-mail address that the user signs in with")
          ->required()
          ->check(email_address());
    }
    for (auto* command : {add, set_password}) {
      command->add_option("--password-file", values.password_file,
                          "File with the password; without it, a terminal asks for it, otherwise "
                          "the first line of stdin is the password");
    }
    add->add_option("--role", values.role,
                    "SUPER_ADMIN, ORG_ADMIN, STORE_MANAGER, STAFF, RIDER or CUSTOMER")
        ->required()
        ->check(role_name());
    add->add_option("--org", values.organization,
                    "Organization of a staff user; not for SUPER_ADMIN and CUSTOMER")
        ->check(printable_text(max_name_bytes));
    add->add_option("--name", values.name, "Name [default: the part of the address before the @]")
        ->check(printable_text(max_name_bytes));
    add->add_option("--phone", values.phone, "Phone number, which the staff sees with each order")
        ->check(printable_text(max_phone_bytes));
  }

  CLI::App* add;
  CLI::App* list;
  CLI::App* disable;
  CLI::App* enable;
  CLI::App* set_password;
};

void run(const Commands& commands, const OptionValues& values,
         const std::function<std::string()>& ask_password, const PasswordHasher& hasher,
         std::FILE* out) {
  if (!*commands.add) require_database(values.db);
  // Ask before the database is opened: typing takes time.
  std::string password;
  if (*commands.add || *commands.set_password) password = new_password(values, ask_password);
  const auto opened = open_for_command(values.db);
  Database& store = *opened;
  if (*commands.add) {
    add(store, values, password, hasher, out);
  } else if (*commands.list) {
    list(store, out);
  } else if (*commands.set_password) {
    store.set_password(existing(store, values.email).id, hasher.hash(password), unix_ms());
  } else {
    const auto user = existing(store, values.email);
    const bool disable = static_cast<bool>(*commands.disable);
    if (!store.set_disabled(user.id, disable, unix_ms())) {
      std::fprintf(out, "'%s' was %s already\n", values.email.c_str(),
                   disable ? "disabled" : "enabled");
    }
  }
}

}  // namespace

bool is_user_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "user";
}

int run_user_command(const std::vector<std::string>& arguments,
                     const std::function<std::string()>& ask_password, const PasswordHasher& hasher,
                     std::FILE* out, std::FILE* err) {
  CLI::App app("Manages who may sign in. A running server applies a change within a second.",
               "order_server user");
  OptionValues values;
  const Commands commands(app, values);
  const auto act = [&] {
    const auto wrong = *commands.add ? complaint(values) : std::string();
    if (!wrong.empty()) throw CLI::ValidationError(wrong);
    run(commands, values, ask_password, hasher, out);
  };
  return run_command_line(app, "order_server user", {arguments.begin() + 1, arguments.end()}, act,
                          out, err);
}

}  // namespace order_server
