// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// What the fuzz targets share. A target is one file with one function, `LLVMFuzzerTestOneInput`,
/// which takes bytes and calls `require` on what must hold whatever they are. libFuzzer drives it
/// under `./dev fuzz`; `replay.cpp` drives it over the corpus in ctest.

/// The entry of a target (libFuzzer's name).
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ordercast::fuzz {

/// Ends the process when a promise is broken: that is what a fuzzer takes for a finding.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

/// The fuzzer's bytes as a sequence of choices. It never runs dry: zeros follow the last byte.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }

  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  /// 0 to `bound` - 1, from one byte, or two where one is too few.
  unsigned below(unsigned bound) { return (bound > 256 ? word() : byte()) % bound; }
  unsigned word() { return byte() | static_cast<unsigned>(byte()) << 8U; }

  /// A text whose length is the next byte, or what is left of it.
  std::string_view text() { return take(byte()); }
  std::string_view take(std::size_t most) {
    const auto taken = left_.substr(0, most);
    left_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return left_; }

 private:
  std::string_view left_;
};

}  // namespace ordercast::fuzz
