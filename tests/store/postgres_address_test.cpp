// SPDX-License-Identifier: MIT
#include "../support/tls_client.hpp"
#include "backends.hpp"
#include "store/open_database.hpp"
#include "store/postgres/address.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

/// The database's address and the user's credentials: URLs, passwords, TLS.
namespace order_server {
namespace {

using Catch::Matchers::Contains;
using ordercast::test::PostgresServer;

std::string error_of(const PostgresOptions& options) {
  try {
    PostgresStore store(options);
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no error";
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
  ::chmod(file.c_str(), 0600);
}

/// A server that asks for a password, and on TCP for TLS as well.
struct StrictServer {
  StrictServer() {
    const auto made = ordercast::test::make_certificate("db");
    const auto data = server.folder() / "data";
    write_file(data / "server.crt", made.certificate);
    write_file(data / "server.key", made.key);
    write_file(server.folder() / "root.crt", made.certificate);
    write_file(data / "pg_hba.conf",
               "hostssl all shop 127.0.0.1/32 scram-sha-256\n"
               "local all shop scram-sha-256\n"
               "host all postgres 127.0.0.1/32 trust\n");
    struct stat owner {};
    ::stat(data.c_str(), &owner);
    for (const char* name : {"server.crt", "server.key", "pg_hba.conf"}) {
      if (::chown((data / name).c_str(), owner.st_uid, owner.st_gid) != 0) throw std::exception();
    }
    server.administer("ALTER ROLE shop PASSWORD 'a very secret password'");
    server.administer("ALTER SYSTEM SET ssl = on");
    server.administer("SELECT pg_reload_conf()");
    database = server.create_database();
    server.stop();
    server.start();
  }
  [[nodiscard]] PostgresOptions options(const std::string& more) const {
    PostgresOptions options;
    options.url = server.url(database) + "?" + more;
    return options;
  }
  [[nodiscard]] std::string root() const { return (server.folder() / "root.crt").string(); }

  PostgresServer server;
  std::string database;
};

}  // namespace

TEST_CASE("a URL of PostgreSQL is told from a file", "[postgres][address]") {
  CHECK(is_shared_database("postgres://shop@db.example/shop"));
  CHECK(is_shared_database("postgresql://db.example"));
  CHECK_FALSE(is_shared_database("postgres.db"));
  CHECK_FALSE(is_shared_database("postgres:/shop"));
  CHECK_FALSE(is_shared_database(""));
}

TEST_CASE("a URL is shown without its password, however it is written", "[postgres][address]") {
  CHECK(shown_database("postgres://shop@db.example:5433/shop?sslmode=verify-full") ==
        "postgres://shop@db.example:5433/shop");
  for (const char* url :
       {"postgres://shop:s3cret@db.example/shop", "postgres://shop:s3c@s3cret@db.example/shop",
        "postgresql://shop:s3cret/x@db.example/shop", "postgres://db.example/shop?password=s3cret",
        "postgres://shop:s3cret@db.example:nonsense/shop",
        "postgres://shop:s3cret@db.example/shop?no-such-option=1"}) {
    INFO(url);
    CHECK_THAT(shown_database(url), !Contains("s3c"));
    CHECK_THAT(complaint_of_database(url), !Contains("s3c"));
    CHECK_FALSE(complaint_of_database(url).empty());
    PostgresOptions options;
    options.url = url;
    CHECK_THAT(error_of(options), !Contains("s3c"));
  }
}

TEST_CASE("a URL that can't be used says what one looks like", "[postgres][address]") {
  CHECK_THAT(complaint_of_database("postgres://db.example:nonsense:1/shop?x"),
             Contains("postgres://USER@HOST:PORT/DATABASE"));
  CHECK_THAT(complaint_of_database("postgres://shop:pw@db.example/shop"),
             Contains("holds a password") && Contains("DB_PASSWORD_FILE"));
  CHECK(complaint_of_database("postgres://shop@a.example,b.example/shop?sslmode=verify-full")
            .empty());
  CHECK(complaint_of_database("order_server.db").empty());
}

TEST_CASE("a connection that leaves the machine is verified or warned of", "[postgres][address]") {
  const auto verified = [](const char* url) {
    return postgres::is_verified(postgres::address_of(url, ""));
  };
  CHECK(verified("postgres://shop@db.example/shop?sslmode=verify-full"));
  CHECK(verified("postgres://shop@127.0.0.1/shop"));
  CHECK(verified("postgres://shop@[::1]/shop"));
  CHECK(verified("postgres:///shop?host=/run/postgresql"));
  CHECK_FALSE(verified("postgres://shop@db.example/shop"));
  CHECK_FALSE(verified("postgres://shop@db.example/shop?sslmode=require"));
  CHECK_FALSE(verified("postgres://shop@127.0.0.1,db.example/shop"));
}

TEST_CASE("a store works through a Unix socket", "[store][postgres][address]") {
  auto& server = PostgresBackend::server();
  const auto database = server.create_database();
  PostgresOptions options;
  options.url = server.socket_url(database);
  CHECK_NOTHROW(PostgresStore(options).check());
  server.drop_database(database);
}

TEST_CASE("TLS is verified as the URL asks, and a password comes from where it should",
          "[store][postgres][address]") {
  const StrictServer strict;
  PostgresOptions options = strict.options("sslmode=verify-full&sslrootcert=" + strict.root());
  options.password = "a very secret password";
  CHECK_NOTHROW(PostgresStore(options).check());

  // Another's certificate.
  const TempDir dir;
  write_file(dir.file("other.crt"), ordercast::test::make_certificate("other").certificate);
  auto another = strict.options("sslmode=verify-full&sslrootcert=" + dir.file("other.crt"));
  another.password = options.password;
  CHECK_THAT(error_of(another), Contains("certificate"));

  auto wrong = options;
  wrong.password = "another password";
  CHECK_THAT(error_of(wrong),
             Contains("password authentication failed") && !Contains("another password"));

  write_file(dir.file("pass"), "127.0.0.1:*:*:shop:a very secret password\n");
  const auto by_file = strict.options("sslmode=verify-full&sslrootcert=" + strict.root() +
                                      "&passfile=" + dir.file("pass"));
  CHECK_NOTHROW(PostgresStore(by_file).check());

  auto plain = strict.options("sslmode=disable");
  plain.password = options.password;
  CHECK_THAT(error_of(plain), Contains("no pg_hba.conf entry"));
}

}  // namespace order_server
