// SPDX-License-Identifier: MIT
// HTTP connections without sockets: requests in pieces, answers in any order, writes of any size
// and time in any step. Each request reaches the application once and in order, each answer the
// client in the order of the requests; bounds hold, every wait has an end, and nothing is kept.
#include "fuzz/fuzz.hpp"
#include <ordercast/net/http_connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
using namespace ordercast::net;   // NOLINT(google-build-using-namespace)
using Kind = HttpConnection::Kind;
using Phase = HttpConnection::Phase;

/// What is known of a request that was made from the grammar.
struct Made {
  bool safe = true;
  bool bad = false;
  bool closes = false;
  bool upgrades = false;
};

struct Stream {
  std::string wire;
  std::vector<Made> requests;
};

void add_request(Choices& choices, Stream& stream) {
  Made made;
  const auto number = std::to_string(stream.requests.size());
  std::string fields = "Host: h\r\n";
  std::string body;
  std::string method = "GET";
  switch (choices.below(10)) {
    case 0:
      made.closes = true;
      fields += "Connection: close\r\n";
      break;
    case 1:
      made.bad = true;
      fields += "Host: again\r\n";
      break;
    case 2:
      made.upgrades = true;
      fields +=
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
      break;
    case 3:
    case 4:
    case 5: {
      made.safe = false;
      method = "POST";
      const auto size = choices.below(40);
      if (choices.below(2) == 0) fields += "Expect: 100-continue\r\n";
      if (choices.below(2) == 0) {
        fields += "Content-Length: " + std::to_string(size) + "\r\n";
        body = std::string(size, 'b');
      } else {
        fields += "Transfer-Encoding: chunked\r\n";
        for (auto left = size; left > 0; --left) body += "1\r\nb\r\n";
        body += "0\r\n\r\n";
      }
      break;
    }
    default:
      break;
  }
  stream.wire += method + " /" + number + " HTTP/1.1\r\n" + fields + "\r\n" + body;
  stream.requests.push_back(made);
}

/// Reads answers as a client does: each but interim ones must be for the next request.
class Client {
 public:
  void read(std::string_view bytes) {
    wire_ += bytes;
    while (take_one()) {
    }
  }
  [[nodiscard]] std::size_t answers() const noexcept { return answers_; }
  [[nodiscard]] bool is_whole() const noexcept { return wire_.empty(); }

 private:
  bool take_one() {
    const auto head_end = wire_.find("\r\n\r\n");
    if (head_end == std::string::npos) return false;
    const auto head = wire_.substr(0, head_end + 4);
    require(head.substr(0, 9) == "HTTP/1.1 ", "an answer begins where the one before ends");
    const auto status = std::stoi(head.substr(9, 3));
    if (status == 100) {
      wire_.erase(0, head.size());
      return true;
    }
    require(!closed_, "nothing follows the last answer");
    const auto length_at = head.find("Content-Length: ");
    require(length_at != std::string::npos, "an answer has a length");
    const auto length = std::stoul(head.substr(length_at + 16));
    if (wire_.size() < head.size() + length) return false;
    const auto body = wire_.substr(head.size(), length);
    const auto name = std::to_string(answers_) + ":";
    if (status == 200) require(body.substr(0, name.size()) == name, "answers come in order");
    closed_ = head.find("Connection: close") != std::string::npos;
    ++answers_;
    wire_.erase(0, head.size() + length);
    return true;
  }

  std::string wire_;
  std::size_t answers_ = 0;
  bool closed_ = false;
};

/// The owner of one connection: does what the fuzzer's choices say.
class Owner {
 public:
  Owner(Choices& choices, const Stream& stream, bool from_grammar)
      : choices_(choices), stream_(stream), from_grammar_(from_grammar), left_(stream.wire) {
    options_.max_pipelined_requests = 1 + choices.below(5);
    options_.max_unsent_bytes = 20'000U + 100U * choices.below(256);
    options_.max_unsent_total_bytes = 30'000U + 100U * choices.below(256);
    options_.high_water_bytes = 1 + 64U * choices.below(256);
    options_.low_water_bytes = options_.high_water_bytes / 4;
    context_.answers = AnswerMemory(options_.max_unsent_total_bytes);
    context_.date = [] { return std::time_t{0}; };
  }

  void run() {
    {
      HttpConnection http(context_, "192.0.2.1", now_ + options_.handshake_timeout);
      while (open_ && !choices_.empty()) step(http);
      while (open_ && wind_up(http)) {
      }
      if (open_ && from_grammar_ && !closed_early_) check_all_seen(http);
    }
    require(context_.answers.used_bytes() == 0, "no bytes stay counted");
  }

 private:
  void step(HttpConnection& http) {
    switch (choices_.below(8)) {
      case 0:
      case 1:
        return give(http, 1 + choices_.below(200));
      case 2:
        return answer(http, choices_.byte(), choices_.below(4) == 0 ? 20'000 : choices_.byte());
      case 3:
        return write(http, 1 + choices_.below(5000));
      case 4:
        now_ += std::chrono::milliseconds(10 * choices_.below(3000));
        return look_at_clock(http);
      case 5:
        if (choices_.below(8) == 0) {
          closed_early_ = true;
          open_ = http.on_input_end();
          if (open_) take(http);
        }
        return;
      case 6:
        if (choices_.below(16) == 0) context_.draining = closed_early_ = true;
        return;
      default:
        return give(http, stream_.wire.size());
    }
  }

  /// Gives, answers and writes all; false when nothing moves any more.
  bool wind_up(HttpConnection& http) {
    const auto before = std::make_pair(left_.size(), started_);
    const auto unwritten = http.unwritten_bytes();
    const auto running = running_.size();
    give(http, left_.size());
    while (open_ && !running_.empty()) answer(http, 0, 3);
    if (open_ && http.unwritten_bytes() > 0) write(http, http.unwritten_bytes());
    return open_ &&
           (before != std::make_pair(left_.size(), started_) || unwritten > 0 || running > 0);
  }

  void check_all_seen(const HttpConnection& http) {
    require(!http.is_busy() || http.phase() != Phase::open, "nothing is owed");
    std::size_t expected = 0;
    for (const auto& one : stream_.requests) {
      if (one.bad || one.upgrades) break;
      ++expected;
      if (one.closes) break;
    }
    require(started_ == expected, "each request is seen");
    require(client_.is_whole(), "no answer is cut");
    require(client_.answers() == expected + (refused() ? 1 : 0), "each request is answered");
  }
  [[nodiscard]] bool refused() const {
    for (const auto& one : stream_.requests) {
      if (one.closes || one.upgrades) return false;
      if (one.bad) return true;
    }
    return false;
  }

  void give(HttpConnection& http, std::size_t most) {
    if (!http.wants_input() || http.phase() != Phase::open) return drain(http, {});
    const auto bytes = left_.substr(0, most);
    left_.remove_prefix(bytes.size());
    drain(http, bytes);
  }

  void drain(HttpConnection& http, std::string_view bytes) {
    for (;;) {
      const auto size = bytes.size();
      auto event = http.next(bytes, now_);
      require(bytes.size() <= size, "bytes are taken from the front");
      if (event.kind == Kind::none) break;
      if (event.kind == Kind::handshake) {
        require(running_.empty(), "a handshake waits for the answers before it");
        open_ = false;  // The WebSocket's from here on.
        return;
      }
      on_request(event);
    }
    require(bytes.empty(), "all bytes are taken");
    take(http);
  }

  void on_request(const HttpConnection::Event& event) {
    const bool safe = event.request.method == "GET" || event.request.method == "HEAD" ||
                      event.request.method == "OPTIONS";
    require(safe || running_.empty(), "what changes something waits for those before it");
    require(!runs_change_ || running_.empty(), "and holds up those behind it");
    require(running_.size() < options_.max_pipelined_requests, "the bound on requests");
    require(event.request.remote_address == "192.0.2.1" && !event.request.abandoned(),
            "the client is there");
    if (from_grammar_) {
      require(event.request.target == "/" + std::to_string(started_),
              "each request once, in order");
      require(stream_.requests[started_].safe == safe && !stream_.requests[started_].bad,
              "what is refused does not run");
    }
    runs_change_ = !safe;
    running_.push_back({event.id, started_++});
  }

  void answer(HttpConnection& http, std::size_t which, std::size_t size) {
    if (running_.empty()) return;
    const auto at = which % running_.size();
    const auto [id, number] = running_[at];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    http.answer(id, {200, {}, std::to_string(number) + ":" + std::string(size, 'x')});
    take(http);
    require(http.owned_bytes() <= options_.max_unsent_bytes + 20'100 + 32 * 17'000,
            "the bound on answers");
    drain(http, {});
  }

  void write(HttpConnection& http, std::size_t most) {
    const auto bytes = (std::min)(most, http.unwritten_bytes());
    if (bytes == 0) return;
    http.on_written(bytes, http.unwritten_bytes() - bytes, now_);
    take(http);
    drain(http, {});
  }

  void look_at_clock(HttpConnection& http) {
    if (now_ < http.deadline()) return;
    const auto was = http.deadline();
    const auto phase = http.phase();
    if (!http.on_deadline(choices_.byte(), now_)) {
      open_ = false;
      return;
    }
    closed_early_ = true;  // A late handler may have been answered for.
    take(http);
    require(http.deadline() > was || http.phase() != phase, "time goes on");
  }

  void take(HttpConnection& http) {
    http.take_output(now_, [&](const HttpPiece& piece) { client_.read(piece.view()); });
    if (http.phase() == Phase::written) http.linger(now_);
    if (http.phase() != Phase::open) running_.clear();
    require(http.deadline() < (TimePoint::max)(), "every wait has an end");
    require(http.owned_bytes() <= context_.answers.used_bytes(), "what is owned is counted");
  }

  struct Running {
    HttpConnection::RequestId id;
    std::size_t number;
  };

  Choices& choices_;
  const Stream& stream_;
  bool from_grammar_;
  std::string_view left_;
  TransportOptions options_;
  HttpContext context_{options_};
  TimePoint now_{std::chrono::hours(1)};
  std::vector<Running> running_;
  std::size_t started_ = 0;
  bool runs_change_ = false;
  bool closed_early_ = false;
  bool open_ = true;
  Client client_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  Stream stream;
  const bool from_grammar = choices.below(4) != 0;
  if (from_grammar) {
    for (auto count = 1 + choices.below(12); count > 0; --count) add_request(choices, stream);
  } else {
    stream.wire = choices.text();
  }
  Owner(choices, stream, from_grammar).run();
  return 0;
}
