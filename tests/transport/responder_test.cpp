// SPDX-License-Identifier: MIT
#include <ordercast/net/responder.hpp>

#include <catch2/catch.hpp>

#include <new>
#include <optional>
#include <vector>

using namespace ordercast;
using net::make_responder;

TEST_CASE("the first answer is delivered, and it alone", "[responder]") {
  std::vector<int> delivered;
  {
    const auto respond =
        make_responder([&](const HttpResponse& response) { delivered.push_back(response.status); });
    const auto copy = respond;
    CHECK(delivered.empty());
    copy({201, {}, {}});
    respond({404, {}, {}});
  }
  CHECK(delivered == std::vector<int>{201});
}

TEST_CASE("a responder whose last copy is dropped answers 500", "[responder]") {
  std::vector<int> delivered;
  {
    std::optional<HttpResponder> first =
        make_responder([&](const HttpResponse& response) { delivered.push_back(response.status); });
    const auto copy = *first;
    first.reset();
    CHECK(delivered.empty());
  }
  CHECK(delivered == std::vector<int>{500});
}

TEST_CASE("without memory for the 500 the client gets no answer, and the server goes on",
          "[responder]") {
  CHECK_NOTHROW(make_responder([](const HttpResponse& /*response*/) { throw std::bad_alloc(); }));
}
