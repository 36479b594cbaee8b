// SPDX-License-Identifier: MIT
#include <ordercast/net/error_report.hpp>

#include <catch2/catch.hpp>

#include <exception>
#include <functional>
#include <stdexcept>

using ordercast::net::report_error;

TEST_CASE("an error is passed to the listener", "[error_report]") {
  const auto error = std::make_exception_ptr(std::runtime_error("expected by a test"));
  std::exception_ptr heard;
  report_error([&](std::exception_ptr one) { heard = std::move(one); }, error);
  CHECK(heard == error);
  report_error({}, error);
}

TEST_CASE("without a listener an error is dropped, and so is what a listener throws",
          "[error_report]") {
  int calls = 0;
  const std::function<void(std::exception_ptr)> throws = [&](const std::exception_ptr&) {
    ++calls;
    throw std::runtime_error("expected by a test");
  };
  report_error(throws, nullptr);
  CHECK(calls == 0);
  report_error(throws, std::make_exception_ptr(1));
  CHECK(calls == 1);
}
