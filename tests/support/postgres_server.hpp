// SPDX-License-Identifier: MIT
#pragma once

#include "temp_dir.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct pg_conn;

namespace ordercast::test {

/// One connection of the tests' own to a server, beside the code under test.
class PostgresSession {
 public:
  /// Throws std::runtime_error.
  explicit PostgresSession(const std::string& url);
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;
  ~PostgresSession();

  /// Runs SQL, several statements too; returns the first field of the last result, "" if there is
  /// none. Throws std::runtime_error.
  std::string execute(const std::string& sql);

 private:
  pg_conn* handle_;
};

/// A PostgreSQL server of the distribution for tests: its own data in a temporary folder, on
/// loopback at a free port and on a Unix socket, with fsync. Ends with the object, or with the
/// process. Where tests run as root it runs as the user postgres, or else as nobody, since a server
/// refuses to run as root.
///
/// Throws std::runtime_error with a sentence where the distribution's programs are missing.
class PostgresServer {
 public:
  /// `settings`: further ones of postgresql.conf, like "max_connections=20".
  explicit PostgresServer(std::vector<std::string> settings = {});
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  /// The one that all tests of a program share; started by the first. From the main thread.
  static PostgresServer& shared();

  /// postgres://shop@127.0.0.1:PORT/DATABASE
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  /// The same through the Unix socket.
  [[nodiscard]] std::string socket_url(const std::string& database = "postgres") const;
  /// For what the owner of a database may not do.
  [[nodiscard]] std::string superuser_url(const std::string& database = "postgres") const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return dir_.path(); }

  /// A new database that `shop` owns, and its name.
  std::string create_database(const std::string& from = "template0");
  void drop_database(const std::string& name);
  /// As the superuser, in the database postgres.
  std::string administer(const std::string& sql);

  void start();
  /// Ends it, clients or not, in good order.
  void stop();
  /// kill -9 of the server and of all its processes.
  void kill();
  /// Stops all of its processes from running (SIGSTOP), and lets them go on.
  void freeze();
  void thaw();

 private:
  void wait_until_it_answers();
  [[nodiscard]] std::vector<pid_t> processes() const;
  void wait_for_end();

  TempDir dir_;
  std::vector<std::string> settings_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
  int databases_ = 0;
};

}  // namespace ordercast::test
