// SPDX-License-Identifier: MIT
#include "api/static_files.hpp"

#include "api/envelope.hpp"
#include "domain/sodium.hpp"
#include <ordercast/handshake.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace order_server {
namespace {

namespace fs = std::filesystem;
using ordercast::HttpRequest;
using ordercast::HttpResponse;

/// Allows scripts from this server only. Component libraries add style elements at run time, so
/// inline styles are allowed; they can load nothing foreign, since images and fonts must come from
/// this server.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view extension) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 16> types{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".ttf", "font/ttf"},
      {".wasm", "application/wasm"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  const auto* found = std::find_if(types.begin(), types.end(),
                                   [&](const auto& entry) { return entry.first == extension; });
  return found == types.end() ? "application/octet-stream" : found->second;
}

/// Returns true if a bundler put a hash of the contents into the name: "assets/index-D3b1_fQz.js".
/// Such a file never changes.
bool has_hash_in_name(const fs::path& file) {
  constexpr std::size_t hash_length = 8;
  if (file.parent_path().filename() != "assets") return false;
  const std::string stem = file.stem().string();
  if (stem.size() < hash_length + 2 || stem[stem.size() - hash_length - 1] != '-') return false;
  return std::all_of(stem.end() - hash_length, stem.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

std::string etag_of(const std::string& body) {
  require_sodium();
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(body.data()),
                     body.size(), nullptr, 0);
  return '"' + hex_of(hash) + '"';
}

std::string contents_of(const fs::path& file, std::size_t most) {
  std::ifstream stream(file, std::ios::binary);
  std::string body;
  if (stream && fs::file_size(file) <= most) {
    body.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  } else {
    stream.setstate(std::ios::failbit);
  }
  if (stream.bad() || (stream.fail() && !stream.eof()) || body.size() > most) {
    throw std::runtime_error("'" + file.string() + "' can't be read or is too big to serve");
  }
  return body;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t";
  const auto start = text.find_first_not_of(blanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

/// RFC 9110 section 13.1.2: "*", or a list of entity tags, weakly compared. Ours have no comma, so
/// a list may be split at every one.
bool has_tag(std::string_view if_none_match, std::string_view etag) noexcept {
  if (trimmed(if_none_match) == "*") return true;
  while (!if_none_match.empty()) {
    const auto comma = if_none_match.find(',');
    auto tag = trimmed(if_none_match.substr(0, comma));
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    if (tag == etag) return true;
    if_none_match.remove_prefix(comma == std::string_view::npos ? if_none_match.size() : comma + 1);
  }
  return false;
}

/// Whether a weight of RFC 9110 section 12.4.2, ";q=0.5" without blanks, is above 0. None is 1.
bool has_weight(std::string_view weight) noexcept {
  if (weight.empty()) return true;
  if (weight.size() < 3 || weight[0] != ';' || (weight[1] != 'q' && weight[1] != 'Q') ||
      weight[2] != '=') {
    return false;
  }
  return weight.find_first_of("123456789", 3) != std::string_view::npos;
}

/// RFC 9110 section 12.5.3, as far as it concerns gzip: "gzip, br", "GZIP;q=0.5" and "*", not
/// "gzip;q=0", whatever stands beside it.
bool takes_gzip(std::string_view accept_encoding) {
  bool takes_others = false;
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    std::string coding(accept_encoding.substr(0, comma));
    accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                  : comma + 1);
    coding.erase(
        std::remove_if(coding.begin(), coding.end(), [](char c) { return c == ' ' || c == '\t'; }),
        coding.end());
    const auto name = std::string_view(coding).substr(0, coding.find(';'));
    const auto weight = std::string_view(coding).substr(name.size());
    if (ordercast::iequals(name, "gzip")) return has_weight(weight);
    if (name == "*") takes_others = has_weight(weight);
  }
  return takes_others;
}

}  // namespace

StaticFiles::StaticFiles(const fs::path& root) {
  std::size_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entries(root, error);
  if (error) throw std::runtime_error("'" + root.string() + "': " + error.message());
  for (const auto end = fs::recursive_directory_iterator(); entries != end; ++entries) {
    const fs::path& file = entries->path();
    const bool hidden = file.filename().string().front() == '.';
    if (hidden) entries.disable_recursion_pending();
    if (hidden || entries->is_symlink() || !entries->is_regular_file()) continue;
    File entry;
    auto body = std::make_shared<const std::string>(contents_of(file, max_bytes - bytes));
    bytes += body->size();
    entry.plain = {etag_of(*body), std::move(body)};
    entry.written = entries->last_write_time();
    entry.type = type_of(file.extension().string());
    entry.immutable = has_hash_in_name(file);
    files_.emplace("/" + file.lexically_relative(root).generic_string(), std::move(entry));
    if (files_.size() > max_files) {
      throw std::runtime_error("'" + root.string() + "' holds too many files to serve");
    }
  }
  for (auto& [path, file] : files_) {
    const auto copy = files_.find(path + ".gz");
    // An older copy is of an earlier build.
    if (copy != files_.end() && copy->second.written >= file.written) {
      file.gzipped = copy->second.plain;
    }
  }
}

std::optional<HttpResponse> StaticFiles::answer(const HttpRequest& request) const {
  if (files_.empty()) return std::nullopt;
  std::string path = ordercast::percent_decode(request.path());
  if (path.empty()) return std::nullopt;
  if (path.back() == '/') path += "index.html";
  const auto found = files_.find(path);
  if (found == files_.end()) {
    if (files_.count(path + "/index.html") == 0) return std::nullopt;
    // The path as the request wrote it: decoded text does not belong in a header.
    return HttpResponse{301, {{"Location", std::string(request.path()) + "/"}}, {}};
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = problem(405, "This path allows GET, HEAD");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  const File& file = found->second;
  const bool gzipped = file.gzipped && takes_gzip(request.header("Accept-Encoding"));
  const Body& body = gzipped ? *file.gzipped : file.plain;
  HttpResponse response;
  response.headers = {
      {"ETag", body.etag},
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy", std::string(content_security_policy)},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", "DENY"}};
  if (file.gzipped) response.headers.push_back({"Vary", "Accept-Encoding"});
  if (has_tag(request.header("If-None-Match"), body.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.push_back({"Content-Type", file.type});
  if (gzipped) response.headers.push_back({"Content-Encoding", "gzip"});
  response.shared_body = body.bytes;
  return response;
}

}  // namespace order_server
