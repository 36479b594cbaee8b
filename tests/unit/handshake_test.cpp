// SPDX-License-Identifier: MIT
#include <ordercast/handshake.hpp>

#include <catch2/catch.hpp>

using namespace ordercast;  // NOLINT(google-build-using-namespace)

namespace {
HttpRequest request(std::string target, std::vector<HttpHeader> headers = {}) {
  return {"GET", std::move(target), std::move(headers), {}, {}};
}
}  // namespace

TEST_CASE("the token comes from the header, the subprotocol or the query, in this order",
          "[handshake]") {
  CHECK(token_of(request("/ws?token=q")) == "q");
  CHECK(token_of(request("/ws?a=b&token=q.q-q_q&c")) == "q.q-q_q");
  CHECK(token_of(request("/ws", {{"sec-websocket-protocol", "ordercast.v1, bearer.p"}})) == "p");
  CHECK(token_of(request("/ws?token=q", {{"Sec-WebSocket-Protocol", "bearer.p"}})) == "p");
  CHECK(token_of(request("/ws?token=q", {{"Sec-WebSocket-Protocol", "bearer.p"},
                                         {"AUTHORIZATION", "bearer  h "}})) == "h");
}

TEST_CASE("a handshake without a token has an empty one", "[handshake]") {
  CHECK(token_of(request("/ws")).empty());
  CHECK(token_of(request("/ws?token")).empty());
  CHECK(token_of(request("/ws?token=")).empty());
  CHECK(token_of(request("/ws?xtoken=q&Token=q")).empty());
  CHECK(token_of(request("/ws", {{"Authorization", "Basic abc"}})).empty());
  CHECK(token_of(request("/ws", {{"Sec-WebSocket-Protocol", "ordercast.v1"}})).empty());
}

TEST_CASE("two different tokens in one place count as no token", "[handshake]") {
  CHECK(token_of(request("/ws?token=a&token=b")).empty());
  CHECK(token_of(request("/ws?token=a&x&token=")).empty());
  CHECK(token_of(request("/ws?token=a&token=a")) == "a");
  CHECK(token_of(request("/ws?token=a&token=%61")) == "a");
  CHECK(token_of(request("/ws", {{"Sec-WebSocket-Protocol", "bearer.a, bearer.b"}})).empty());
  CHECK(token_of(request("/ws?token=a", {{"Sec-WebSocket-Protocol", "bearer.a"},
                                         {"Sec-WebSocket-Protocol", "x, bearer.b"}}))
            .empty());
  CHECK(token_of(request("/ws", {{"Sec-WebSocket-Protocol", "bearer.a, bearer.a"}})) == "a");
}

TEST_CASE("ordercast.v2 is selected before v1, wherever it stands", "[handshake]") {
  const auto selected = [](std::vector<HttpHeader> headers) {
    return std::string(select_subprotocol(request("/ws", std::move(headers))));
  };
  CHECK(selected({{"Sec-WebSocket-Protocol", "ordercast.v2"}}) == "ordercast.v2");
  CHECK(selected({{"Sec-WebSocket-Protocol", "ordercast.v1, ordercast.v2"}}) == "ordercast.v2");
  CHECK(selected({{"Sec-WebSocket-Protocol", "ordercast.v1"},
                  {"Sec-WebSocket-Protocol", "x,ordercast.v2"}}) == "ordercast.v2");
  CHECK(selected({{"Sec-WebSocket-Protocol", "ordercast.v1, ordercast.v22"}}) == "ordercast.v1");
}

TEST_CASE("ordercast.v1 is selected only when it is offered", "[handshake]") {
  CHECK(select_subprotocol(request("/ws", {{"Sec-WebSocket-Protocol", "x,ordercast.v1 , y"}})) ==
        "ordercast.v1");
  CHECK(select_subprotocol(request("/ws", {{"Sec-WebSocket-Protocol", "x"},
                                           {"Sec-WebSocket-Protocol", "ordercast.v1"}})) ==
        "ordercast.v1");
  CHECK(select_subprotocol(request("/ws", {{"Sec-WebSocket-Protocol", "bearer.t, ordercast.v12"}}))
            .empty());
}

TEST_CASE("percent-decoding leaves broken escapes as they are", "[handshake]") {
  CHECK(percent_decode("a%2Eb%2e+") == "a.b.+");
  CHECK(percent_decode("%") == "%");
  CHECK(percent_decode("%4") == "%4");
  CHECK(percent_decode("%zz%41") == "%zzA");
}

TEST_CASE("a target splits into path and query", "[http]") {
  CHECK(request("/a/b?x=1?y").path() == "/a/b");
  CHECK(request("/a/b?x=1?y").query() == "x=1?y");
  CHECK(request("/a/b").query().empty());
}
