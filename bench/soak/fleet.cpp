// SPDX-License-Identifier: MIT
#include "fleet.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <system_error>

namespace ordercast::bench {
namespace {

/// Returns the text after `name`, up to the next quote or comma; empty if it is missing.
std::string_view field(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return text.substr(0, text.find_first_of("\",}"));
}

std::uint64_t number(std::string_view digits) {
  return std::strtoull(std::string(digits).c_str(), nullptr, 10);
}

/// Parses 2024-01-31T12:00:00.000Z, the format of the contract.
std::int64_t parse_time(std::string_view text) {
  if (text.size() < 23) return 0;
  std::tm parts{};
  parts.tm_year = static_cast<int>(number(text.substr(0, 4))) - 1900;
  parts.tm_mon = static_cast<int>(number(text.substr(5, 2))) - 1;
  parts.tm_mday = static_cast<int>(number(text.substr(8, 2)));
  parts.tm_hour = static_cast<int>(number(text.substr(11, 2)));
  parts.tm_min = static_cast<int>(number(text.substr(14, 2)));
  parts.tm_sec = static_cast<int>(number(text.substr(17, 2)));
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000 +
         static_cast<std::int64_t>(number(text.substr(20, 3)));
}

/// A small window, so that a client that does not read pushes back soon.
constexpr int slow_receive_buffer = 4096;
/// More at once would overflow a listener's backlog, and the kernel would delay them by a second.
constexpr int connects_a_turn = 64;

}  // namespace

std::int64_t unix_ms() {
  return std::chrono::duration_cast<Milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Fleet::Fleet(std::uint16_t port, std::vector<std::string> order_ids, std::vector<Member> members,
             Backoff backoff)
    : port_(port),
      order_ids_(std::move(order_ids)),
      backoff_(backoff),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  for (std::size_t i = 0; i < order_ids_.size(); ++i) index_[order_ids_[i]] = i;
  clients_.resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& client = clients_[i];
    client.member = std::move(members[i]);
    client.seen.resize(client.member.orders.size());
    client.on_connection.resize(client.member.orders.size());
    pairs_ += client.member.orders.size();
  }
}

Fleet::~Fleet() {
  for (auto& client : clients_) {
    if (client.fd >= 0) ::close(client.fd);
  }
  ::close(epoll_);
}

bool Fleet::run_until(const std::function<bool()>& done, Milliseconds most) {
  const auto deadline = Clock::now() + most;
  std::array<epoll_event, 512> events{};
  while (!done()) {
    const auto now = Clock::now();
    if (now >= deadline) return false;
    connect_due(now);
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10);
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      auto& client = clients_[event.data.u64];
      if (client.fd >= 0) on_event(client, event.events);
    }
  }
  return true;
}

void Fleet::drop_all(Milliseconds outage) {
  outage_until_ = Clock::now() + outage;
  for (auto& client : clients_) {
    if (client.fd >= 0) lose(client, true);
  }
}

void Fleet::drop_some(double share) {
  std::bernoulli_distribution leaves(share);
  for (auto& client : clients_) {
    if (client.state == State::open && leaves(random_)) lose(client);
  }
}

void Fleet::stop_slow(bool stop) {
  for (auto& client : clients_) {
    if (!client.member.slow) continue;
    client.reads = !stop;
    if (client.state == State::open) watch(client, client.reads ? EPOLLIN : 0U);
  }
}

std::size_t Fleet::up_to_date(const std::vector<std::uint64_t>& versions) const {
  std::size_t count = 0;
  for (const auto& client : clients_) {
    for (std::size_t i = 0; i < client.seen.size(); ++i) {
      if (client.seen[i] == versions[client.member.orders[i]]) ++count;
    }
  }
  return count;
}

void Fleet::connect_due(Clock::time_point now) {
  int left = connects_a_turn;
  for (auto& client : clients_) {
    if (client.state != State::offline || client.next_attempt > now) continue;
    connect(client);
    if (--left == 0) return;
  }
}

void Fleet::connect(Client& client) {
  client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client.fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int on = 1;
  ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (client.member.slow) {
    ::setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &slow_receive_buffer,
                 sizeof slow_receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client.state = State::connecting;
  const bool outage = Clock::now() < outage_until_;
  const bool started = !outage && (::connect(client.fd, reinterpret_cast<sockaddr*>(&address),
                                             sizeof address) == 0 ||
                                   errno == EINPROGRESS);
  if (started) {
    watch(client, EPOLLOUT, true);
  } else {
    ++tally_.failures;
    lose(client);
  }
}

void Fleet::on_event(Client& client, std::uint32_t events) {
  if (client.state == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(client.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      ++tally_.failures;
      lose(client);
    } else {
      on_connected(client);
    }
  } else if ((events & EPOLLIN) != 0) {
    on_input(client);
  } else {  // The connection is lost; a client that does not read learns no more.
    lose(client);
  }
}

void Fleet::on_connected(Client& client) {
  client.state = State::shaking;
  const auto request =
      "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Authorization: Bearer " +
      client.member.token + "\r\n\r\n";
  // A new socket's buffer has room for all of it.
  if (::send(client.fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    ++tally_.failures;
    lose(client);
    return;
  }
  watch(client, EPOLLIN);
}

void Fleet::on_input(Client& client) {
  static std::array<char, 65'536> buffer;
  const auto got = ::recv(client.fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (client.state == State::shaking) ++tally_.failures;
    lose(client);
    return;
  }
  client.input.append(buffer.data(), static_cast<std::size_t>(got));
  if (client.state == State::shaking && !on_handshake(client)) return;

  std::string_view input = client.input;
  while (client.fd >= 0 && input.size() >= 2) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(input[at]); };
    std::size_t header = 2;
    std::size_t size = byte(1) & 0x7FU;
    if (size == 126 && input.size() >= 4) {
      header = 4;
      size = std::size_t{byte(2)} << 8U | byte(3);
    } else if (size >= 126) {
      break;  // Incomplete; the server sends nothing as long as 64 KiB.
    }
    if (input.size() < header + size) break;
    on_frame(client, byte(0) & 0x0FU, input.substr(header, size));
    input.remove_prefix(header + size);
  }
  if (client.fd >= 0) client.input.erase(0, client.input.size() - input.size());
}

/// Returns true if the connection is open.
bool Fleet::on_handshake(Client& client) {
  const auto end = client.input.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  if (client.input.compare(0, 12, "HTTP/1.1 101") != 0) {  // 503 while draining, say
    ++tally_.failures;
    lose(client);
    return false;
  }
  client.input.erase(0, end + 4);
  client.state = State::open;
  client.failures = 0;
  ++open_;
  ++tally_.connects;
  std::fill(client.on_connection.begin(), client.on_connection.end(), 0);
  client.subscribed_ms = unix_ms();
  for (std::size_t i = 0; i < client.seen.size() && client.fd >= 0; ++i) {
    send(client, 0x1,
         R"({"type":"subscribe","orderId":")" + order_ids_[client.member.orders[i]] +
             R"(","since":)" + std::to_string(client.seen[i]) + "}");
  }
  if (client.fd >= 0 && !client.reads) watch(client, 0);
  return client.fd >= 0;
}

void Fleet::on_frame(Client& client, unsigned opcode, std::string_view payload) {
  if (opcode == 0x1) {
    on_text(client, payload);
  } else if (opcode == 0x9) {
    send(client, 0xA, payload);
  } else if (opcode == 0x8) {
    const auto code = payload.size() < 2 ? 1005
                                         : static_cast<unsigned char>(payload[0]) << 8 |
                                               static_cast<unsigned char>(payload[1]);
    ++tally_.closes[code];
    send(client, 0x8, payload.substr(0, 2));
    lose(client);
  }
}

void Fleet::on_text(Client& client, std::string_view text) {
  const auto type = field(text, R"("type":")");
  if (type == "orders:changed") {
    ++tally_.hints;
    return;
  }
  if (type != "order:updated") {
    if (type == "error") ++tally_.errors;
    return;
  }
  ++tally_.updates;
  const auto order = index_.find(field(text, R"("orderId":")"));
  if (order == index_.end()) return;
  const auto& mine = client.member.orders;
  const auto at =
      static_cast<std::size_t>(std::find(mine.begin(), mine.end(), order->second) - mine.begin());
  if (at == mine.size()) return;
  const auto version = number(field(text, R"("version":)"));
  const auto changed_ms = parse_time(field(text, R"("updatedAt":")"));
  if (version < client.on_connection[at]) ++tally_.went_back;
  client.on_connection[at] = version;
  client.seen[at] = std::max(client.seen[at], version);
  if (changed_ms < client.subscribed_ms) {
    ++tally_.recovered;
  } else if (!client.member.slow) {
    const auto late = static_cast<std::uint64_t>(std::max<std::int64_t>(0, unix_ms() - changed_ms));
    latency_.add(late);
    window_.add(late);
  }
}

void Fleet::send(Client& client, unsigned opcode, std::string_view payload) {
  constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};
  std::string frame{static_cast<char>(0x80U | opcode)};
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += {static_cast<char>(0x80U | 126U), static_cast<char>(payload.size() >> 8U),
              static_cast<char>(payload.size() & 0xFFU)};
  }
  for (const auto byte : mask) frame += static_cast<char>(byte);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
  }
  // Client messages are small: if one does not fit, the server does not read, and it is dropped.
  if (::send(client.fd, frame.data(), frame.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(frame.size())) {
    lose(client);
  }
}

void Fleet::watch(Client& client, std::uint32_t events, bool add) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint64_t>(&client - clients_.data());
  if (::epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client.fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Fleet::lose(Client& client, bool reset) {
  if (client.fd < 0) return;
  // Reset, like a phone that enters a tunnel; it also leaves no port in TIME_WAIT.
  const linger hard{1, 0};
  if (reset || client.state != State::open) {
    ::setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  ::close(client.fd);
  client.fd = -1;
  if (client.state == State::open) --open_;
  client.state = State::offline;
  client.input.clear();
  const auto most = std::min<double>(static_cast<double>(backoff_.most.count()),
                                     static_cast<double>(backoff_.first.count()) *
                                         static_cast<double>(1U << std::min(client.failures, 10U)));
  ++client.failures;
  std::uniform_int_distribution<std::int64_t> jitter(0, static_cast<std::int64_t>(most));
  client.next_attempt = Clock::now() + Milliseconds(jitter(random_));
}

}  // namespace ordercast::bench
