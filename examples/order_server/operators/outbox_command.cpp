// SPDX-License-Identifier: MIT
#include "domain/order_json.hpp"
#include "domain/printable.hpp"
#include "operators/command_database.hpp"
#include "operators/commands.hpp"
#include "workers/wall_clock.hpp"

#include <CLI/CLI.hpp>

#include <stdexcept>

namespace order_server {
namespace {

void list(Database& store, std::size_t limit, std::FILE* out) {
  const auto letters = store.list_dead_letters(limit);
  if (letters.empty()) {
    std::fputs("nothing has been given up\n", out);
    return;
  }
  std::fprintf(out, "%-16s %-24s %8s %-38s %8s %-16s %s\n", "ID", "GIVEN UP", "ATTEMPTS", "ORDER",
               "VERSION", "STATUS", "WHY");
  for (const auto& letter : letters) {
    std::fprintf(out, "%-16s %-24s %8lld %-38s %8llu %-16s %s%s%s\n", letter.id.c_str(),
                 iso8601(letter.dead_at_ms).c_str(), static_cast<long long>(letter.attempts),
                 printable(letter.order_id).c_str(),
                 static_cast<unsigned long long>(letter.version), letter.status.c_str(),
                 printable(letter.error).c_str(), letter.device.empty() ? "" : ", device ",
                 letter.device.c_str());
  }
}

}  // namespace

bool is_outbox_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "outbox";
}

int run_outbox_command(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err) {
  CLI::App app("Lists and retries broadcasts, pushes and refunds that the server gave up on.",
               "order_server outbox");
  app.require_subcommand(1);
  std::string db = usual_database;
  std::size_t limit = 100;
  std::string id;
  bool all = false;

  auto* list_command = app.add_subcommand("list", "Print what the server gave up on, oldest first");
  list_command->add_option("--limit", limit, "Most lines [default: 100]")
      ->check(whole_number(1, 1'000'000));
  auto* retry_command = app.add_subcommand(
      "retry", "Make the server try again within 5 seconds, counting attempts from 0");
  retry_command->add_option("ID", id, "An id that list prints: broadcast:17, push:5 or refund:3");
  retry_command->add_flag("--all", all, "Retry everything that list prints");
  for (auto* command : {list_command, retry_command}) add_database_option(*command, db);

  const auto act = [&] {
    if (*retry_command && all != id.empty()) {
      throw CLI::ValidationError("retry: give one ID, or --all");
    }
    require_database(db);
    const auto store = open_for_command(db);
    if (*list_command) return list(*store, limit, out);
    const auto count = store->retry_dead_letters(all ? std::string() : id, unix_ms());
    if (count == 0 && !all) {
      throw std::runtime_error("'" + id + "' is not in the list; list prints what can be retried");
    }
    std::fprintf(out, "%zu will be tried again\n", count);
  };
  return run_command_line(app, "order_server outbox", {arguments.begin() + 1, arguments.end()}, act,
                          out, err);
}

}  // namespace order_server
