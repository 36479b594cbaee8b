// SPDX-License-Identifier: MIT
#pragma once

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

/// Faults in a process' environment.
namespace ordercast::test {

/// A full pipe that nobody reads.
class FullPipe {
 public:
  explicit FullPipe(const std::filesystem::path& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    fd_ = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
    const std::string line(4096, 'x');
    while (::write(fd_, line.data(), line.size()) > 0) {
    }
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() { ::close(fd_); }

 private:
  int fd_ = -1;
};

/// Changes a soft limit of a running process, up to its hard limit.
inline void set_soft_limit(pid_t pid, __rlimit_resource resource, rlim_t soft) {
  rlimit limit{};
  REQUIRE(::prlimit(pid, resource, nullptr, &limit) == 0);
  limit.rlim_cur = std::min(soft, limit.rlim_max);
  REQUIRE(::prlimit(pid, resource, &limit, nullptr) == 0);
}

}  // namespace ordercast::test
