// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <limits>

/// How many files and sockets the process may have open. Process-wide; call from one thread.
namespace ordercast::net {

/// Returns the soft RLIMIT_NOFILE.
[[nodiscard]] inline std::size_t descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur == RLIM_INFINITY) return (std::numeric_limits<std::size_t>::max)();
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// Raises the soft limit up to `wanted`, as far as the hard limit allows, and returns the result.
/// For a program's `main`: an embedded server does not change the process' limits.
inline std::size_t raise_descriptor_limit(std::size_t wanted) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return descriptor_limit();
}

/// The connections that fit below the limit, with room left for files, databases and logs.
[[nodiscard]] inline std::size_t connections_within_descriptor_limit() noexcept {
  const auto limit = descriptor_limit();
  const auto reserve = std::min<std::size_t>(64, limit / 2);
  return limit - reserve;
}

}  // namespace ordercast::net
