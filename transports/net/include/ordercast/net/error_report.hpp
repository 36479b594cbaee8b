// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <utility>

namespace ordercast::net {

/// Passes an error to `on_error`, which may be empty. Ignores an exception from it.
inline void report_error(const std::function<void(std::exception_ptr)>& on_error,
                         std::exception_ptr error) noexcept {
  if (!on_error || !error) return;
  try {
    on_error(std::move(error));
  } catch (...) {
  }
}

}  // namespace ordercast::net
