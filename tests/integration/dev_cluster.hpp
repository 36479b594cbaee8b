// SPDX-License-Identifier: MIT
#pragma once

#include "../support/api_client.hpp"
#include "../support/process.hpp"
#include "watcher.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// A cluster as `./dev cluster` runs it: PostgreSQL, three NATS servers, three nodes and HAProxy,
/// all of them real.
namespace ordercast::test {

/// The script, in a folder of its own. Its temporary files are there too, so that a process which
/// it left behind is found by them.
class DevCluster {
 public:
  DevCluster() {
    // The database has another user, if the tests run as root.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    process_ = std::make_unique<ChildProcess>(command({"--server", ORDER_SERVER_PATH}));
    for (;;) {
      const auto line = process_->read_line(2 * patience);
      INFO(read_file(folder_.path() / "stderr"));
      REQUIRE(line.has_value());
      if (line->rfind("listening on ", 0) != 0) continue;
      port_ = announced_port(line).value();
      return;
    }
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] ApiClient api(const std::string& token = {}) const {
    return ApiClient(port_, token);
  }

  /// Says something to the script as from another terminal: its exit code and what it printed.
  [[nodiscard]] std::pair<int, std::string> tell(std::vector<std::string> words) const {
    ChildProcess said(command(std::move(words)));
    const auto text = said.read_to_end(patience);
    const auto end = said.wait(patience);
    REQUIRE(end.has_value());
    return {end->code.value_or(-1), text};
  }

  /// The same, without waiting for its end.
  [[nodiscard]] std::unique_ptr<ChildProcess> begin(std::vector<std::string> words) const {
    return std::make_unique<ChildProcess>(command(std::move(words)));
  }

  /// The line of a part in the status.
  [[nodiscard]] std::string status_of(const std::string& part) const {
    const auto text = tell({"status"}).second;
    const auto at = text.find(part);
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  }

  [[nodiscard]] ExitStatus end() {
    process_->signal(SIGTERM);
    return process_->wait(2 * patience).value_or(ExitStatus{});
  }

  /// The processes that belong to it, without the script.
  [[nodiscard]] std::vector<std::string> processes() const {
    namespace fs = std::filesystem;
    const auto mine = folder_.path().string();
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto pid = entry.path().filename().string();
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      if (pid == std::to_string(process_->pid())) continue;
      std::error_code gone;
      const auto where = fs::read_symlink(entry.path() / "cwd", gone).string();
      const auto what = read_file(entry.path() / "cmdline") + read_file(entry.path() / "environ");
      if (where.find(mine) != std::string::npos || what.find(mine) != std::string::npos) {
        found.push_back(pid + " " + what.substr(0, what.find('\0')));
      }
    }
    return found;
  }
  [[nodiscard]] bool has_left_files() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.is_directory()) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] Command command(std::vector<std::string> words) const {
    const auto state = (folder_.path() / "control").string();
    Command command;
    command.argv = {"/usr/bin/env", "node",   DEV_CLUSTER_PATH,       "--state",
                    state,          "--logs", folder_.path().string()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment = {{"TMPDIR", folder_.path().string()}};
    command.stderr_file = folder_.path() / "stderr";
    return command;
  }

  TempDir folder_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
};

/// A socket through the balancer, and the node that it is on.
class Socket {
 public:
  Socket(const DevCluster& cluster, std::string token)
      : cluster_(cluster), token_(std::move(token)) {}

  /// As a client does: until a node lets it in.
  void connect() {
    REQUIRE(eventually([this] {
      client_.emplace();
      if (!client_->connect("127.0.0.1", cluster_.port(), "/ws?token=" + token_,
                            {{"Sec-WebSocket-Protocol", "ordercast.v2"}})) {
        return false;
      }
      const auto hello = client_->next_text(patience);
      node_ = hello ? text_of(parse_json(*hello), "node") : "";
      return !node_.empty();
    }));
  }
  void subscribe(const std::string& id, long long since) {
    REQUIRE(
        client_->send_text(Json{{"type", "subscribe"}, {"orderId", id}, {"since", since}}.dump()));
  }
  void read_until(const Message& wanted) {
    for (;;) {
      const auto text = client_->next_text(patience);
      REQUIRE(text.has_value());
      if (wanted(parse_json(*text))) return;
    }
  }
  /// A ping and its pong: it is open in both directions.
  void settle() {
    REQUIRE(client_->send_text(R"({"type":"ping"})"));
    read_until([](const Json& message) { return text_of(message, "type") == "pong"; });
  }
  [[nodiscard]] bool is_closed() { return client_->expect_close(patience).has_value(); }
  [[nodiscard]] const std::string& node() const noexcept { return node_; }

 private:
  const DevCluster& cluster_;
  std::string token_;
  std::optional<WsClient> client_;
  std::string node_;
};

}  // namespace ordercast::test
