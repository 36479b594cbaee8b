// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// Serves files as web pages: the built admin panel and its assets.
///
/// Reads all files once, at the start, and answers from memory: an I/O thread never waits for a
/// disk. Looks a path up among the names that it found, so no path leads outside the folder.
/// Immutable after construction; any thread; O(log files) a request.
namespace order_server {

class StaticFiles {
 public:
  /// More files than this suggest a wrong folder.
  static constexpr std::size_t max_files = 4096;
  static constexpr std::size_t max_bytes = 64U << 20U;

  /// Serves no files.
  StaticFiles() = default;

  /// Reads all files below `root`, except hidden ones and symbolic links. A file that has a gzipped
  /// copy beside it ("index.js.gz"), not older than itself, is sent as that to clients that take it
  /// (RFC 9110 section 12.5.3). Throws std::runtime_error if there are too many, or one can't be
  /// read or is too big.
  explicit StaticFiles(const std::filesystem::path& root);

  /// Answers with the file at the request's path: 200, 304 if the client has it, or 405 for methods
  /// other than GET and HEAD. A path that ends in '/' serves its index.html; a folder's name
  /// without '/' redirects there with 301. Returns nullopt if there is no such file.
  [[nodiscard]] std::optional<ordercast::HttpResponse> answer(
      const ordercast::HttpRequest& request) const;

 private:
  struct Body {
    std::string etag;
    std::shared_ptr<const std::string> bytes;  ///< One copy, however many download it.
  };

  struct File {
    std::string type;
    std::filesystem::file_time_type written;
    bool immutable = false;
    Body plain;
    std::optional<Body> gzipped;
  };

  std::map<std::string, File> files_;  ///< By path, "/assets/index-1a2b3c4d.js".
};

}  // namespace order_server
