// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace order_server {

/// Keeps the memory of password hashes from one hash to the next. A hash needs 64 MiB. Mapping,
/// clearing and unmapping it takes the kernel 26 ms, during which every other thread that needs
/// memory waits. An unused region stays mapped; the kernel may take its pages if the system runs
/// short. Keeps as many regions as hashes ever ran at once. Thread-safe.
class HashMemory {
 public:
  /// A region on loan to one thread. The destructor returns it.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    /// Aligned to a page. Its contents are left over from an earlier use.
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
  /// No lease may outlive it.
  ~HashMemory();

  /// Lends a region of at least `bytes`. Throws std::bad_alloc if the system has no memory.
  [[nodiscard]] Lease take(std::size_t bytes);

  /// How many unused regions are mapped.
  [[nodiscard]] std::size_t kept() const;

 private:
  using Region = Lease::Region;

  void give_back(Region region) noexcept;
  static void unmap(Region region) noexcept;

  mutable std::mutex mutex_;
  std::vector<Region> free_;
};

}  // namespace order_server
