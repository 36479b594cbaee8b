// SPDX-License-Identifier: MIT
#include "config_fixture.hpp"
#include "domain/printable.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

/// Every setting with every value that is hardly meant: it is taken, or refused in one line.
using namespace order_server;

namespace {

const std::string no_fault;
const std::string secret = "hunter2";

/// Ends the process if a setting makes the start wait.
class Deadline {
 public:
  Deadline() { ::alarm(60); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { ::alarm(0); }
};

/// Values for every setting. Each value that may be a secret holds `secret`.
class NastyValues {
 public:
  NastyValues() {
    REQUIRE(::mkfifo(pipe_.c_str(), 0600) == 0);
    std::ofstream(text_) << "something with " << secret << '\n';
    std::ofstream(marked_) << "\xEF\xBB\xBF" << std::string(40, 's');
    std::ofstream(with_nul_) << std::string(40, 's') << '\0' << secret;
    std::ofstream(huge_) << std::string(200'000, 's');
  }

  [[nodiscard]] std::vector<std::string> all() const {
    return {"",
            "   ",
            "\x01\x1B[31m",
            "99999999999999999999",
            "-1",
            "nan",
            "1e9",
            "0x10",
            "/",
            "/dev/null",
            "/dev/full",
            "/dev/zero",
            "/no/such/file",
            pipe_,
            text_,
            marked_,
            with_nul_,
            huge_,
            std::string(100'000, 'x'),
            "\xFF\xFE",
            "\xC3\xA9",
            "user:" + secret + "@127.0.0.1",
            "http://user:" + secret + "@127.0.0.1:99999",
            "host=127.0.0.1 password=" + secret,
            "http://127.0.0.1:0",
            "nats://127.0.0.1:99999"};
  }

 private:
  TempDir folder_;
  const std::string pipe_ = folder_.file("pipe");
  const std::string text_ = folder_.file("text");
  const std::string marked_ = folder_.file("marked");
  const std::string with_nul_ = folder_.file("with_nul");
  const std::string huge_ = folder_.file("huge");
};

/// "" if the start goes on, or ends as it should; otherwise what is wrong with its end.
std::string fault_of(const std::variant<Config, ConfigExit>& parsed, const std::string& name) {
  const auto* end = std::get_if<ConfigExit>(&parsed);
  if (end == nullptr) return {};
  const auto line = one_line(end->error);
  if (end->code != 2) return "code " + std::to_string(end->code);
  if (!contains(line, name)) return "does not name it: " + line;
  if (contains(line, secret)) return "shows a secret: " + line;
  if (line.size() > 700) return "is too long: " + line;
  if (end->error != line) return "is not one printable line: " + line;
  return {};
}

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  std::istringstream help(exit_of({"--help"}).out);
  for (std::string line; std::getline(help, line);) {
    const auto start = line.find_first_not_of(' ');
    if (start == std::string::npos || line.compare(start, 2, "--") != 0) continue;
    const auto name = line.substr(start, line.find(' ', start) - start);
    if (name != "--help" && name != "--version") names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("every option takes or refuses every value, by its name and in one line", "[config]") {
  const NastyValues values;
  const Deadline deadline;
  const auto names = option_names();
  REQUIRE(names.size() > 60);
  for (const auto& name : names) {
    CAPTURE(name);
    CHECK(fault_of(parse({name}), name).empty());
    for (const auto& value : values.all()) {
      CAPTURE(value.substr(0, 80));
      CHECK(fault_of(parse({name, value}), name) == no_fault);
    }
  }
}

TEST_CASE("every line of a config file is taken or refused by its option's name", "[config]") {
  const NastyValues values;
  const Deadline deadline;
  const TempDir folder;
  const auto file = folder.file("server.conf");
  for (const auto& name : option_names()) {
    CAPTURE(name);
    for (const auto& value : values.all()) {
      CAPTURE(value.substr(0, 80));
      std::ofstream(file) << name.substr(2) << '=' << value << '\n';
      const auto parsed = parse({"--config", file});
      // A file or a line that can't be read names itself.
      const auto* end = std::get_if<ConfigExit>(&parsed);
      const bool by_line = end != nullptr && contains(end->error, "--config: ");
      CHECK(fault_of(parsed, by_line ? "--config: " : name) == no_fault);
    }
  }
}

TEST_CASE("every variable of the environment is taken or refused by its name, its value unshown",
          "[config]") {
  const NastyValues values;
  const Deadline deadline;
  for (const std::string plain :
       {"JWT_SECRET", "DB_PASSWORD", "RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET",
        "RAZORPAY_WEBHOOK_SECRET", "FCM_SERVICE_ACCOUNT", "NATS_TOKEN"}) {
    for (const auto& name : {plain, plain + "_FILE"}) {
      CAPTURE(name);
      for (const auto& value : values.all()) {
        CAPTURE(value.substr(0, 80));
        auto variables = good_secrets;
        variables.erase(plain);
        variables[name] = value;
        if (plain == "RAZORPAY_KEY_SECRET") variables.erase("RAZORPAY_KEY_ID");
        CHECK(fault_of(parse({}, variables), name) == no_fault);
      }
    }
  }
}

TEST_CASE("a secret's file is read as text: a mark of its encoding or a NUL byte is refused",
          "[config]") {
  const TempDir folder;
  const auto file = folder.file("secret");
  const auto complaint = [&](const std::string& content) {
    std::ofstream(file) << content;
    return exit_of({}, {{"JWT_SECRET_FILE", file}}).error;
  };
  CHECK(contains(complaint("\xEF\xBB\xBF" + std::string(40, 's')), "byte order mark"));
  CHECK(contains(complaint(std::string(40, 's') + '\0'), "NUL"));
}

TEST_CASE("what is no database is refused before it is opened", "[config]") {
  for (const std::string db :
       {"host=127.0.0.1 password=hunter2", "password=hunter2 dbname=shop", "mysql://h/shop",
        "http://u:hunter2@h", "sqlite:///shop.db", "/", "/dev/null"}) {
    CAPTURE(db);
    const auto end = exit_of({"--db", db});
    CHECK(end.code == 2);
    CHECK(contains(end.error, "--db"));
    CHECK_FALSE(contains(end.error, secret));
  }
  CHECK(config_of({"--db", "a=b.db"}).db == "a=b.db");
}

TEST_CASE("an address to listen on has no port and no brackets", "[config]") {
  for (const std::string host :
       {"[::1]", "127.0.0.1:80", "http://h", "a b", "::1:", "h/", "user:hunter2@h", "*"}) {
    CAPTURE(host);
    const auto end = exit_of({"--host", host});
    CHECK(end.code == 2);
    CHECK(contains(end.error, "--host"));
    CHECK(contains(end.error, "without a port"));
  }
  for (const std::string host : {"::1", "0.0.0.0", "localhost", "shop_1.example", "fe80::1%eth0"}) {
    CAPTURE(host);
    CHECK(config_of({"--host", host, "--demo-data", "off"}).host == host);
  }
}

TEST_CASE("a bad value in a config file is an error even if a flag overrides it", "[config]") {
  const TempDir folder;
  const auto file = folder.file("server.conf");
  std::ofstream(file) << "port=seven\n";
  const auto end = exit_of({"--config", file, "--port", "0"});
  CHECK(end.code == 2);
  CHECK(contains(end.error, "--port: 'seven' is not allowed"));
}

TEST_CASE("an argument that belongs to no option is told by its place", "[config]") {
  CHECK(contains(exit_of({"--db", "my", "shop.db"}).error, "argument 3 is an unexpected argument"));
  CHECK(contains(exit_of({"hunter2"}).error, "argument 1 is an unexpected argument"));
  CHECK_FALSE(contains(exit_of({"hunter2"}).error, secret));
  CHECK(contains(exit_of({"--port"}).error, "--port needs a value"));
}

TEST_CASE("the port of a NATS server exists", "[config]") {
  for (const std::string url : {"nats://h:99999", "nats://h:0", "nats://h:", "tls://[::1]:x"}) {
    CAPTURE(url);
    CHECK(contains(exit_of({"--nats", url}).error, "--nats: '" + url + "' is not allowed"));
  }
  CHECK(config_of({"--nats", "nats://h, tls://[::1]:4222, nats://[::1]"}).nats.size() == 3);
}

TEST_CASE("files for NATS hold what they should", "[config]") {
  const TempDir folder;
  const auto file = folder.file("nats");
  std::ofstream(file) << "text";
  for (const std::string name : {"--nats-credentials", "--nats-ca", "--nats-cert", "--nats-key"}) {
    CAPTURE(name);
    CHECK(contains(exit_of({name, file}).error, name + ": the file"));
  }
}
