// SPDX-License-Identifier: MIT
#include "api/static_files.hpp"

#include "../support/temp_dir.hpp"
#include "api_fixture.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

using namespace order_server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto script = "/assets/index-D3b1_fQz.js";

/// A folder as a bundler writes it, with files beside and inside it that must not be served.
class WebRoot {
 public:
  WebRoot() {
    write("secret.txt", "beside");
    write("www/index.html", "<!doctype html>admin");
    write(std::string("www") + script, "run()");
    write("www/assets/logo.svg", "<svg/>");
    write("www/mobile/index.html", "<!doctype html>mobile");
    write("www/.env", "hidden");
    write("www/.git/config", "hidden");
    fs::create_symlink(folder_.path() / "secret.txt", root() / "link.txt");
    fs::create_directory_symlink(folder_.path(), root() / "up");
  }

  [[nodiscard]] fs::path root() const { return folder_.path() / "www"; }

  void write(const std::string& name, const std::string& text) const {
    const auto file = folder_.path() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

 private:
  ordercast::test::TempDir folder_;
};

HttpRequest get(std::string target, std::vector<HttpHeader> headers = {},
                std::string method = "GET") {
  return {std::move(method), std::move(target), std::move(headers), "", "127.0.0.1"};
}

}  // namespace

TEST_CASE("a file is sent with its type, its tag and a strict policy", "[static_files]") {
  const WebRoot web;
  const StaticFiles files(web.root());
  const auto page = files.answer(get("/?from=mail")).value();
  CHECK(page.status == 200);
  CHECK(page.content() == "<!doctype html>admin");
  CHECK(header_of(page, "Content-Type") == "text/html; charset=utf-8");
  const auto policy = header_of(page, "Content-Security-Policy");
  CHECK(policy.find("default-src 'none'; script-src 'self';") == 0);
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
  CHECK(header_of(page, "Referrer-Policy") == "no-referrer");
  CHECK(files.answer(get("/assets/logo.svg")).value().content() == "<svg/>");
  CHECK(header_of(files.answer(get("/assets/logo.svg")).value(), "Content-Type") ==
        "image/svg+xml");
}

TEST_CASE("a file with a hash in its name is kept for ever, any other is asked for again",
          "[static_files]") {
  const WebRoot web;
  const StaticFiles files(web.root());
  CHECK(header_of(files.answer(get(script)).value(), "Cache-Control") ==
        "public, max-age=31536000, immutable");
  for (const auto* path : {"/", "/index.html", "/assets/logo.svg", "/mobile/"}) {
    CAPTURE(path);
    CHECK(header_of(files.answer(get(path)).value(), "Cache-Control") == "no-cache");
  }
}

TEST_CASE("what the client has already is answered 304 without a body", "[static_files]") {
  const WebRoot web;
  const StaticFiles files(web.root());
  const auto etag = header_of(files.answer(get("/")).value(), "ETag");
  const auto other = header_of(files.answer(get(script)).value(), "ETag");
  CHECK(etag != other);
  const auto status = [&](const std::string& tags) {
    return files.answer(get("/", {{"If-None-Match", tags}})).value().status;
  };
  CHECK(status(etag) == 304);
  CHECK(status("W/" + etag) == 304);
  CHECK(status(other + ", " + etag) == 304);
  CHECK(status(" W/" + etag + " ,\"x\"") == 304);
  CHECK(status("*") == 304);
  for (const auto& tags : {other, etag + "junk", "junk" + etag, "w/" + etag, "W/W/" + etag,
                           etag.substr(1), "*" + etag, std::string(",,"), std::string("\"")}) {
    CAPTURE(tags);
    CHECK(status(tags) == 200);
  }
  CHECK(files.answer(get("/", {{"If-None-Match", etag}})).value().body.empty());
  web.write("www/index.html", "<!doctype html>new");
  CHECK(header_of(StaticFiles(web.root()).answer(get("/")).value(), "ETag") != etag);
}

TEST_CASE("a gzipped copy is sent to who takes it, with a tag of its own", "[static_files]") {
  const WebRoot web;
  web.write(std::string("www") + script + ".gz", "gzipped");
  const StaticFiles files(web.root());
  const auto asked_with = [&](std::string accept) {
    return files.answer(get(script, {{"Accept-Encoding", std::move(accept)}})).value();
  };
  for (const auto* accept : {"gzip", "br, gzip", "gzip;q=0.5", "deflate;q=1 , gzip ; q=0.1", "GZIP",
                             "Gzip;Q=1", "*", "br, *;q=0.1", "br;q=0, gzip"}) {
    const auto sent = asked_with(accept);
    CAPTURE(accept);
    CHECK(sent.content() == "gzipped");
    CHECK(header_of(sent, "Content-Encoding") == "gzip");
    CHECK(header_of(sent, "Content-Type") == "text/javascript; charset=utf-8");
  }
  for (const auto* accept : {"", "br", "gzip;q=0", "gzip;q=0.000", "x-gzip", "identity", "*;q=0",
                             "gzip;q=0, *", "*, gzip;q=0", "gzipped", "gzip;x=1"}) {
    const auto sent = asked_with(accept);
    CAPTURE(accept);
    CHECK(sent.content() == "run()");
    CHECK(header_of(sent, "Content-Encoding").empty());
    CHECK(header_of(sent, "Vary") == "Accept-Encoding");
  }
  const auto tag = header_of(asked_with("gzip"), "ETag");
  CHECK(tag != header_of(asked_with(""), "ETag"));
  CHECK(files.answer(get(script, {{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}}))
            .value()
            .status == 304);
  CHECK(files.answer(get(script, {{"If-None-Match", tag}})).value().status == 200);
  // What has no copy does not vary.
  CHECK(header_of(files.answer(get("/")).value(), "Vary").empty());
}

TEST_CASE("a gzipped copy that is older than its file is not sent", "[static_files]") {
  const WebRoot web;
  web.write(std::string("www") + script + ".gz", "gzipped");
  const auto file = web.root() / std::string(script).substr(1);
  const auto written = fs::last_write_time(file);
  const auto asked_after = [&](std::chrono::seconds age) {
    fs::last_write_time(file.string() + ".gz", written + age);
    return StaticFiles(web.root()).answer(get(script, {{"Accept-Encoding", "gzip"}})).value();
  };
  CHECK(asked_after(-1s).content() == "run()");
  CHECK(header_of(asked_after(-1s), "Content-Encoding").empty());
  CHECK(asked_after(0s).content() == "gzipped");
  CHECK(asked_after(1s).content() == "gzipped");
}

TEST_CASE("no path leads out of the folder, to a hidden file or through a link", "[static_files]") {
  const WebRoot web;
  const StaticFiles files(web.root());
  for (const auto* path :
       {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt",
        "//secret.txt", "/up/secret.txt", "/link.txt", "/.env", "/.git/config", "/%2eenv",
        "/index.html%00", "/index.html/", "\\..\\secret.txt", "", "secret.txt", "*"}) {
    CAPTURE(path);
    CHECK_FALSE(files.answer(get(path)).has_value());
  }
}

TEST_CASE("a folder's name leads to its page, and only GET and HEAD are allowed",
          "[static_files]") {
  const WebRoot web;
  const StaticFiles files(web.root());
  const auto moved = files.answer(get("/mobile?x=1")).value();
  CHECK(moved.status == 301);
  CHECK(header_of(moved, "Location") == "/mobile/");
  CHECK(files.answer(get("/mobile/")).value().content() == "<!doctype html>mobile");
  CHECK_FALSE(files.answer(get("/assets/")).has_value());
  CHECK(files.answer(get("/", {}, "HEAD")).value().status == 200);
  const auto refused = files.answer(get("/", {}, "POST")).value();
  CHECK(refused.status == 405);
  CHECK(header_of(refused, "Allow") == "GET, HEAD");
}

TEST_CASE("a folder that can't be read or holds too much is an error at the start",
          "[static_files]") {
  const WebRoot web;
  CHECK_THROWS_AS(StaticFiles(web.root() / "nothing"), std::runtime_error);
  fs::resize_file(web.root() / "assets/logo.svg", StaticFiles::max_bytes);  // sparse
  CHECK_THROWS_AS(StaticFiles(web.root()), std::runtime_error);
}

TEST_CASE("too many files are an error at the start", "[static_files]") {
  const WebRoot web;
  for (std::size_t i = 0; i < StaticFiles::max_files; ++i) {
    web.write("www/many/" + std::to_string(i), "");
  }
  CHECK_THROWS_AS(StaticFiles(web.root()), std::runtime_error);
}

TEST_CASE("pages are what no route answers, and keep their own word on caching", "[static_files]") {
  const WebRoot web;
  web.write("www/healthz", "not the page of that name");
  ApiFixture fixture;
  Api api(
      fixture.context, ops_routes(), Cors(), {},
      [](Lane, const Job& job) {
        job.run();
        return true;
      },
      StaticFiles(web.root()));
  HttpResponse answer;
  const auto ask = [&](const std::string& target) {
    api.handle(get(target), [&](HttpResponse response) { answer = std::move(response); });
    return answer;
  };
  CHECK(ask("/").content() == "<!doctype html>admin");
  CHECK(count_headers(answer, "Cache-Control") == 1);
  CHECK(header_of(answer, "X-Content-Type-Options") == "nosniff");
  CHECK(ask("/healthz").body.find("\"success\":true") != std::string::npos);
  CHECK(header_of(answer, "Cache-Control") == "no-store");
  CHECK(ask("/nothing").status == 404);
}
