// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

namespace ordercast::test {

/// Lowers a soft limit of this process (setrlimit(2)) for as long as it lives.
class LoweredLimit {
 public:
  LoweredLimit(__rlimit_resource resource, rlim_t soft) : resource_(resource) {
    ::getrlimit(resource_, &before_);
    rlimit low = before_;
    low.rlim_cur = soft;
    ::setrlimit(resource_, &low);
  }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;
  ~LoweredLimit() { ::setrlimit(resource_, &before_); }

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

}  // namespace ordercast::test
