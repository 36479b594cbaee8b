// SPDX-License-Identifier: MIT
#include "process/log_sink.hpp"

#include "domain/printable.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reader();
    ::close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }
  std::string read(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::size_t at = 0;
    while (at < bytes) {
      const auto n = ::read(ends[0], text.data() + at, bytes - at);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
    text.resize(at);
    return text;
  }
  std::array<int, 2> ends{-1, -1};
};

}  // namespace

TEST_CASE("lines reach the descriptor whole and in order", "[log]") {
  Pipe pipe;
  AsyncWriter writer(pipe.ends[1]);
  CHECK(writer.write("one\n"));
  CHECK(writer.write("two\n"));
  CHECK(writer.flush_for(30s));
  CHECK(pipe.read(8) == "one\ntwo\n");
  CHECK(writer.dropped() == 0);
}

TEST_CASE(
    "a descriptor that blocks costs a bounded buffer; what does not fit is dropped, counted, "
    "and waits for nobody",
    "[log]") {
  Pipe pipe;
  const std::string line = std::string(999, 'x') + "\n";
  constexpr std::size_t capacity = 100'000;
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
  AsyncWriter writer(pipe.ends[1], capacity);
  // Far more than the pipe and the buffer hold, while nobody reads.
  for (int i = 0; i < 2'000; ++i) (writer.write(line) ? accepted : refused) += 1;
  CHECK(refused > 1'000);
  CHECK(writer.dropped() == refused);
  CHECK_FALSE(writer.flush_for(1ms));

  // A reader that resumes gets every accepted line, and new ones.
  const auto kept = static_cast<std::size_t>(accepted) * line.size();
  CHECK(pipe.read(kept).size() == kept);
  CHECK(writer.flush_for(30s));
  CHECK(writer.write("and on\n"));
  CHECK(pipe.read(7) == "and on\n");
  CHECK(writer.dropped() == refused);
}

TEST_CASE("a writer ends though its descriptor blocks for ever", "[log]") {
  // Never closed: its writer is stuck for the rest of the process.
  static Pipe& pipe = *new Pipe;
  AsyncWriter writer(pipe.ends[1]);
  for (int i = 0; i < 300; ++i) writer.write(std::string(1023, 'x') + "\n");
  CHECK_FALSE(writer.flush_for(1ms));
}

TEST_CASE("lines that the descriptor refuses are counted", "[log]") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  AsyncWriter writer(full);
  CHECK(writer.write("one\n"));
  CHECK(writer.flush_for(30s));
  CHECK(writer.write("two\n"));
  CHECK(writer.flush_for(30s));
  CHECK(writer.dropped() == 2);
  ::close(full);
}

TEST_CASE("no message breaks a line, drives a terminal or is endless, raw exceptions included",
          "[log][printable]") {
  Pipe pipe;
  const auto before = spdlog::default_logger();
  start_logging("info", pipe.ends[1]);
  const std::runtime_error error("disk\nfull\x1B[2J\xFF \\ \xE2\x80\xA8 K\xC3\xA4se");
  spdlog::error("store: {}", error.what());
  spdlog::info("a field: {}", printable("a\nb\\"));
  spdlog::info("{}", std::string(9'000, 'x'));
  flush_log(30s);
  spdlog::set_default_logger(before);
  std::string text(8'192, '\0');
  text.resize(static_cast<std::size_t>(::read(pipe.ends[0], text.data(), text.size())));
  const auto at = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  CHECK(at("error store: disk\\x0Afull\\x1B[2J\\xFF \\ \\xE2\\x80\\xA8 K\xC3\xA4se\n"));
  CHECK(at("info a field: a\\x0Ab\\\\\n"));  // escaped once, not twice
  CHECK(at(" " + std::string(max_line_bytes, 'x') + "...\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}
