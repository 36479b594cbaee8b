// SPDX-License-Identifier: MIT
#include "api/context.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <fstream>
#include <set>
#include <string>

using namespace order_server;

namespace {

/// "/api/v1/orders/:id" as OpenAPI writes it: "/api/v1/orders/{id}".
std::string as_documented(std::string_view pattern) {
  std::string path;
  bool in_parameter = false;
  for (const char c : pattern) {
    if (c == '/' && in_parameter) {
      path += '}';
      in_parameter = false;
    }
    in_parameter = in_parameter || c == ':';
    path += c == ':' ? '{' : c;
  }
  return in_parameter ? path + '}' : path;
}

std::set<std::string> served_calls() {
  std::set<std::string> calls{"GET /ws"};  // the transport's own
  for (const auto& routes : {all_api_routes(), ops_routes()}) {
    for (const auto& route : routes) {
      calls.insert(std::string(route.method) + " " + as_documented(route.pattern));
    }
  }
  return calls;
}

/// Reads the part `paths` of openapi.yaml, where paths are indented by two and methods by four.
std::set<std::string> documented_calls() {
  const std::set<std::string> methods{"get", "post", "put", "patch", "delete"};
  std::ifstream file(ORDERCAST_OPENAPI);
  REQUIRE(file.is_open());
  std::set<std::string> calls;
  std::string path;
  bool in_paths = false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != ' ') in_paths = line == "paths:";
    if (!in_paths || line.empty() || line.back() != ':') continue;
    if (line.compare(0, 3, "  /") == 0) path = line.substr(2, line.size() - 3);
    if (line.compare(0, 4, "    ") != 0) continue;
    std::string method = line.substr(4, line.size() - 5);
    if (methods.count(method) == 0) continue;
    for (auto& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    calls.insert(method.append(" ").append(path));
  }
  return calls;
}

}  // namespace

TEST_CASE("docs/api/openapi.yaml has the calls that the server answers, and no other", "[api]") {
  CHECK(documented_calls() == served_calls());
}
