// SPDX-License-Identifier: MIT
#include "secrets.hpp"

#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using namespace order_server;
namespace fs = std::filesystem;

namespace {

Secret read(const std::map<std::string, std::string>& variables) {
  return read_secret(
      [&](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      },
      "NAME");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::string refusal(const std::string& db, bool is_demo) {
  try {
    static_cast<void>(signing_secret("", db, is_demo));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("one newline at the end of a secret is dropped, wherever it comes from", "[secrets]") {
  const TempDir folder;
  for (const std::string end : {"", "\n", "\r\n"}) {
    CHECK(read({{"NAME", "se cret" + end}}).value == "se cret");
    write(folder.file(), "se cret" + end);
    const auto by_file = read({{"NAME_FILE", folder.file()}});
    CHECK(by_file.value == "se cret");
    CHECK(by_file.from == "NAME_FILE");
  }
  CHECK_FALSE(read({}).value);
  CHECK(read({}).wrong.empty());
}

TEST_CASE("other white space at the ends is refused by the variable's name, the secret unshown",
          "[secrets]") {
  const TempDir folder;
  for (const std::string secret :
       {"hunter2\n\n", "hunter2\r\n\r\n", "hunter2\r", "hunter2 ", "hunter2 \n", "hunter2\t",
        " hunter2", "\nhunter2", "\thunter2"}) {
    CAPTURE(secret);
    write(folder.file(), secret);
    for (const std::string name : {"NAME", "NAME_FILE"}) {
      const auto refused = read({{name, name == "NAME" ? secret : folder.file()}});
      CHECK_FALSE(refused.value);
      CHECK(refused.wrong.rfind(name, 0) == 0);
      CHECK(contains(refused.wrong, "white space"));
      CHECK_FALSE(contains(refused.wrong, "hunter2"));
      CHECK_FALSE(contains(refused.wrong, "\n"));
    }
  }
}

TEST_CASE("a secret that is empty, too long, unreadable or given twice is refused", "[secrets]") {
  const TempDir folder;
  CHECK(contains(read({{"NAME", ""}}).wrong, "NAME is empty"));
  CHECK(contains(read({{"NAME", "\n"}}).wrong, "NAME is empty"));
  write(folder.file(), "\n");
  CHECK(contains(read({{"NAME_FILE", folder.file()}}).wrong, "is empty"));
  write(folder.file(), std::string(70000, 's'));
  CHECK(contains(read({{"NAME_FILE", folder.file()}}).wrong, "65536"));
  for (const std::string& file : {folder.file("none"), folder.path().string(), std::string()}) {
    CHECK(contains(read({{"NAME_FILE", file}}).wrong, "can't be read"));
  }
  write(folder.file(), "hunter2");
  const auto twice = read({{"NAME", "hunter2"}, {"NAME_FILE", folder.file()}});
  CHECK_FALSE(twice.value);
  CHECK(contains(twice.wrong, "NAME and NAME_FILE"));
  CHECK_FALSE(contains(twice.wrong, "hunter2"));
}

TEST_CASE("the demo's JWT secret is random, private, and the same at the next start", "[secrets]") {
  const TempDir folder;
  const TempDir other;
  const auto first = signing_secret("", folder.file(), true);
  CHECK(first.size() >= min_jwt_secret_bytes);
  CHECK(signing_secret("", folder.file(), true) == first);
  CHECK(signing_secret("", other.file(), true) != first);
  const auto kept = folder.file() + ".jwt-secret";
  CHECK(text_of(kept) == first + "\n");
  CHECK(fs::status(kept).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a JWT secret that is given is used as it is and kept nowhere", "[secrets]") {
  const TempDir folder;
  const std::string given(32, 's');
  CHECK(signing_secret(given, folder.file(), true) == given);
  CHECK(signing_secret(given, folder.file(), false) == given);
  CHECK_FALSE(fs::exists(demo_secret_file(folder.file())));
}

TEST_CASE("without a JWT secret nothing but the demo starts, kept secret or not", "[secrets]") {
  const TempDir folder;
  CHECK(contains(refusal(folder.file(), false), "JWT_SECRET"));
  CHECK_FALSE(fs::exists(demo_secret_file(folder.file())));
  static_cast<void>(signing_secret("", folder.file(), true));
  CHECK(contains(refusal(folder.file(), false), "JWT_SECRET"));
}

TEST_CASE("a kept secret that others may read, or that is none, is refused and left alone",
          "[secrets]") {
  const TempDir folder;
  const auto kept = demo_secret_file(folder.file());
  const auto only_owner = fs::perms::owner_read | fs::perms::owner_write;
  std::string text = std::string(64, 's') + "\n";
  SECTION("others may read it") {
    write(kept, text);
    fs::permissions(kept, only_owner | fs::perms::others_read);
  }
  SECTION("it is too short") {
    text = "hunter2\n";
    write(kept, text);
    fs::permissions(kept, only_owner);
  }
  SECTION("it is a link to elsewhere") {
    write(folder.file("elsewhere"), text);
    fs::permissions(folder.file("elsewhere"), only_owner);
    fs::create_symlink(folder.file("elsewhere"), kept);
  }
  const auto message = refusal(folder.file(), true);
  CHECK(contains(message, kept));
  CHECK_FALSE(contains(message, "hunter2"));
  CHECK(text_of(kept) == text);
}

TEST_CASE("a folder that takes no secret ends the start", "[secrets]") {
  const TempDir folder;
  CHECK(contains(refusal(folder.file("no/such/shop.db"), true), "no/such/shop.db.jwt-secret"));
}
