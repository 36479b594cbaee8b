// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// Web pages that are files: the admin panel's build, and what lies beside it.
///
/// Everything is read once, at the start, and answered from memory: an I/O thread never waits for a
/// disk, and a path is looked up among the names that were found, so that no path leads anywhere
/// else. Immutable after construction; any thread. A look-up is logarithmic in the number of files.
namespace order_server {

class StaticFiles {
 public:
  /// More than these, and the folder is not what it was taken for.
  static constexpr std::size_t max_files = 4096;
  static constexpr std::size_t max_bytes = 64U << 20U;

  /// No files at all.
  StaticFiles() = default;

  /// Reads all files below `root`, except hidden ones and what symbolic links lead to. Throws
  /// std::runtime_error when they can't be read or are too many or too big.
  explicit StaticFiles(const std::filesystem::path& root);

  /// The file at the request's path: 200, 304 for one that the client has, 405 for another method
  /// than GET and HEAD. A path that ends in '/' is that of its index.html; a folder's name without
  /// it is sent there with 301. Nothing when there is no such file.
  [[nodiscard]] std::optional<ordercast::HttpResponse> answer(
      const ordercast::HttpRequest& request) const;

 private:
  struct File {
    std::string type;
    std::string etag;
    bool immutable = false;
    std::shared_ptr<const std::string> body;  ///< One copy, however many download it.
  };

  std::map<std::string, File> files_;  ///< By path, "/assets/index-1a2b3c4d.js".
};

}  // namespace order_server
