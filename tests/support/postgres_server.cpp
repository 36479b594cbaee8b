// SPDX-License-Identifier: MIT
#include "postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace ordercast::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};

/// The newest version's programs.
std::filesystem::path programs() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<std::pair<int, fs::path>> found;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const auto bin = entry.path() / "bin";
    if (!fs::exists(bin / "initdb") || !fs::exists(bin / "postgres")) continue;
    found.emplace_back(std::atoi(entry.path().filename().c_str()), bin);
  }
  if (found.empty()) {
    throw std::runtime_error(
        "these tests need a PostgreSQL server and found none below /usr/lib/postgresql; "
        "`./dev test` installs it, or `apt-get install postgresql-15`");
  }
  return std::max_element(found.begin(), found.end())->second;
}

/// The user who runs the server; null: the one who runs the tests.
const passwd* other_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  if (user == nullptr) user = ::getpwnam("nobody");
  if (user == nullptr) {
    throw std::runtime_error("PostgreSQL refuses to run as root, and there is no user postgres");
  }
  return user;
}

/// In the child: becomes that user and runs the program. Never returns.
[[noreturn]] void run(const std::vector<std::string>& words, const passwd* user,
                      const std::string& log) {
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 ||
                          ::setuid(user->pw_uid) != 0)) {
    ::_exit(126);
  }
  // After setuid, which undoes it. An immediate shutdown, should the tests die.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::chdir("/") != 0) ::_exit(126);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

pid_t start_program(const std::vector<std::string>& words, const std::string& log) {
  const passwd* user = other_user();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) run(words, user, log);
  return child;
}

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool works = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(probe);
  if (!works) throw std::runtime_error("no free port");
  return ::ntohs(address.sin_port);
}

/// A zombie holds no lock and no file any more.
bool runs(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(stat, text);
  const auto end_of_name = text.rfind(") ");
  return end_of_name != std::string::npos && text[end_of_name + 2] != 'Z';
}

}  // namespace

PostgresSession::PostgresSession(const std::string& url) : handle_(PQconnectdb(url.c_str())) {
  if (PQstatus(handle_) == CONNECTION_OK) return;
  const std::string error = PQerrorMessage(handle_);
  PQfinish(handle_);
  throw std::runtime_error(error);
}

PostgresSession::~PostgresSession() {
  PQfinish(handle_);
}

std::string PostgresSession::execute(const std::string& sql) {
  PGresult* result = PQexec(handle_, sql.c_str());
  const auto status = PQresultStatus(result);
  const bool has_field = PQntuples(result) > 0 && PQnfields(result) > 0;
  std::string field = has_field ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return field;
  throw std::runtime_error(sql + ": " + PQerrorMessage(handle_));
}

PostgresServer::PostgresServer(std::vector<std::string> settings)
    : settings_(std::move(settings)), port_(free_port()) {
  const passwd* user = other_user();
  if (user != nullptr && ::chown(dir_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("cannot give " + dir_.path().string() + " to the server's user");
  }
  const auto log = (dir_.path() / "initdb.log").string();
  const pid_t child =
      start_program({(programs() / "initdb").string(), "--pgdata", (dir_.path() / "data").string(),
                     "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale",
                     "C", "--no-sync", "--no-instructions"},
                    log);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("initdb failed: " + content_of(log));
  }
  start();
  administer("CREATE ROLE shop LOGIN");
}

PostgresServer::~PostgresServer() {
  try {
    if (process_ > 0) stop();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // It ends with the process.
  }
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

std::string PostgresServer::url(const std::string& database) const {
  return "postgres://shop@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::socket_url(const std::string& database) const {
  return "postgres://shop@/" + database + "?host=" + dir_.path().string() +
         "&port=" + std::to_string(port_);
}

std::string PostgresServer::superuser_url(const std::string& database) const {
  return "postgres://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::administer(const std::string& sql) {
  return PostgresSession(superuser_url()).execute(sql);
}

std::string PostgresServer::create_database(const std::string& from) {
  const auto name = "shop_" + std::to_string(++databases_);
  administer("CREATE DATABASE " + name + " OWNER shop TEMPLATE " + from);
  return name;
}

void PostgresServer::drop_database(const std::string& name) {
  administer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

void PostgresServer::start() {
  std::vector<std::string> words{(programs() / "postgres").string(),
                                 "-D",
                                 (dir_.path() / "data").string(),
                                 "-c",
                                 "listen_addresses=127.0.0.1",
                                 "-c",
                                 "port=" + std::to_string(port_),
                                 "-c",
                                 "unix_socket_directories=" + dir_.path().string(),
                                 "-c",
                                 "fsync=on",
                                 "-c",
                                 "shared_buffers=32MB",
                                 "-c",
                                 "deadlock_timeout=100ms"};
  for (const auto& setting : settings_) {
    words.emplace_back("-c");
    words.push_back(setting);
  }
  process_ = start_program(words, (dir_.path() / "server.log").string());
  wait_until_it_answers();
}

void PostgresServer::wait_until_it_answers() {
  const auto deadline = steady_clock::now() + patience;
  while (PQping(superuser_url().c_str()) != PQPING_OK) {
    const bool has_ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
    if (has_ended) process_ = -1;
    if (has_ended || steady_clock::now() > deadline) {
      throw std::runtime_error("the server of the tests does not start: " +
                               content_of((dir_.path() / "server.log").string()));
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
}

std::vector<pid_t> PostgresServer::processes() const {
  const auto own = std::to_string(process_);
  std::ifstream children("/proc/" + own + "/task/" + own + "/children");
  std::vector<pid_t> all{process_};
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

void PostgresServer::wait_for_end() {
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void PostgresServer::stop() {
  thaw();
  ::kill(process_, SIGINT);  // what PostgreSQL calls a fast shutdown
  wait_for_end();
}

void PostgresServer::kill() {
  const auto all = processes();
  for (const auto process : all) ::kill(process, SIGKILL);
  wait_for_end();
  // A new server refuses to start while a process of the old one has its memory.
  const auto deadline = steady_clock::now() + patience;
  for (const auto process : all) {
    while (runs(process) && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
}

void PostgresServer::freeze() {
  for (const auto process : processes()) ::kill(process, SIGSTOP);
}

void PostgresServer::thaw() {
  for (const auto process : processes()) ::kill(process, SIGCONT);
}

}  // namespace ordercast::test
