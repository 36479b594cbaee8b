// SPDX-License-Identifier: MIT
#include <ordercast/net/response_writer.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

namespace net = ordercast::net;
using ordercast::HttpResponse;
using ordercast::net::error_response;
using ordercast::net::http_date;
using ordercast::net::write_response;

namespace {

std::string write(const HttpResponse& response, bool to_head = false) {
  return write_response(response, to_head, 784111777);
}

}  // namespace

TEST_CASE("a response says its length, its date and that the connection ends",
          "[response_writer]") {
  CHECK(
      write({201, {{"X-A", "1"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}}, "body"}) ==
      "HTTP/1.1 201 Created\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_CASE("a date is in English whatever the locale", "[response_writer]") {
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(951827696) == "Tue, 29 Feb 2000 12:34:56 GMT");
}

TEST_CASE("an answer to HEAD has the length of a body but no body", "[response_writer]") {
  const auto text = write({200, {}, "body"}, true);
  CHECK(text.find("Content-Length: 4\r\n") != std::string::npos);
  CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
}

TEST_CASE("a 204 has neither body nor length", "[response_writer]") {
  const auto text = write({204, {}, "body"});
  CHECK(text.find("Content-Length") == std::string::npos);
  CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
}

TEST_CASE("framing headers are the transport's alone", "[response_writer]") {
  const auto text =
      write({200, {{"content-length", "12345"}, {"CONNECTION", "keep-alive"}}, "body"});
  CHECK(text.find("12345") == std::string::npos);
  CHECK(text.find("keep-alive") == std::string::npos);
}

TEST_CASE("a response that would break the framing becomes a 500", "[response_writer]") {
  for (const HttpResponse& bad :
       {HttpResponse{200, {{"X", "a\r\nSet-Cookie: b"}}, {}},
        HttpResponse{200, {{"X", "a\nb"}}, {}}, HttpResponse{200, {{"X\r\nY", "a"}}, {}},
        HttpResponse{200, {{"X y", "a"}}, {}}, HttpResponse{200, {{"", "a"}}, {}},
        HttpResponse{200, {{"X", std::string("a\0b", 3)}}, {}},
        HttpResponse{200, {{"Transfer-Encoding", "chunked"}}, {}}, HttpResponse{101, {}, {}},
        HttpResponse{0, {}, {}}, HttpResponse{600, {}, {}}}) {
    const auto text = write(bad);
    CHECK(text.substr(0, 36) == "HTTP/1.1 500 Internal Server Error\r\n");
    CHECK(text.find("Set-Cookie") == std::string::npos);
  }
}

TEST_CASE("the transport's own answers are in plain text, or as the application likes",
          "[response_writer]") {
  CHECK(error_response(413).body == "Content Too Large\n");
  CHECK(error_response(413).headers.front().value == "text/plain; charset=utf-8");
  const auto shout = [](HttpResponse& response, std::string_view message) {
    response.body = std::string(message) + "!";
  };
  CHECK(error_response(413, shout).body == "Content Too Large!");
  const auto bad =
      net::write_response({200, {{"X", "a\nb"}}, {}}, false, 0, net::AfterResponse::close, shout);
  CHECK(bad.find("Internal Server Error!") != std::string::npos);
  // A form that breaks the framing is not used.
  const auto breaks = [](HttpResponse& response, std::string_view /*message*/) {
    response.headers.push_back({"X", "a\nb"});
  };
  const auto plain =
      net::write_response({200, {{"X", "a\nb"}}, {}}, false, 0, net::AfterResponse::close, breaks);
  CHECK(plain.find("Internal Server Error\n") != std::string::npos);
  const auto text = write(error_response(426));
  CHECK(text.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  CHECK(text.find("Connection: close, Upgrade\r\n") != std::string::npos);
}

TEST_CASE("every status that the contract names has a reason phrase", "[response_writer]") {
  for (const int status : {200, 201, 400, 401, 403, 404, 405, 409, 411, 413,
                           415, 417, 422, 426, 429, 431, 500, 501, 503, 505}) {
    CAPTURE(status);
    CHECK(ordercast::net::reason_phrase(status) != "Unknown");
  }
}
