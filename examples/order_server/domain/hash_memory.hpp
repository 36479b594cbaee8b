// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace order_server {

/// Memory for password hashes that is kept from one to the next. A hash wants 64 MiB: to map, clear
/// and unmap that for each login takes the kernel 26 ms, and all that time every other thread of
/// the process that wants memory waits. A region that no hash uses stays mapped; the kernel may
/// take its pages when the system runs short. As many regions are kept as hashes ran at once.
/// Thread-safe.
class HashMemory {
 public:
  /// One thread's use of a region; goes back at the end of its life.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    /// Of page alignment; what stands in it is left from before.
    [[nodiscard]] unsigned char* data() const noexcept { return region_.data; }
    [[nodiscard]] std::size_t size() const noexcept { return region_.bytes; }

   private:
    friend class HashMemory;

    struct Region {
      unsigned char* data = nullptr;
      std::size_t bytes = 0;
    };

    Lease(HashMemory& owner, Region region) noexcept : owner_(owner), region_(region) {}

    HashMemory& owner_;
    Region region_;
  };

  HashMemory() = default;
  HashMemory(const HashMemory&) = delete;
  HashMemory& operator=(const HashMemory&) = delete;
  /// No lease may be left.
  ~HashMemory();

  /// A region of at least `bytes`. Throws std::bad_alloc where the system has none.
  [[nodiscard]] Lease take(std::size_t bytes);

  /// Regions that wait for the next hash, and are mapped.
  [[nodiscard]] std::size_t kept() const;

 private:
  using Region = Lease::Region;

  void give_back(Region region) noexcept;
  static void unmap(Region region) noexcept;

  mutable std::mutex mutex_;
  std::vector<Region> free_;
};

}  // namespace order_server
