// SPDX-License-Identifier: MIT
#pragma once

#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <initializer_list>
#include <string>
#include <utility>

namespace ordercast::test {

inline const std::string host = "127.0.0.1";

/// Bytes by their numbers.
inline std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

/// A server and one client that has opened a connection to it.
struct OpenedPair {
  OpenedPair() : OpenedPair(RecordingServer::Setup{}) {}
  explicit OpenedPair(RecordingServer::Setup setup) : server(std::move(setup)) {
    REQUIRE(client.connect(host, server.port(), "/ws"));
    handle = server.opened();
    REQUIRE(handle != 0);
  }
  bool hears(const std::string& text) {
    const auto event = server.next();
    return event && event->kind == Event::Kind::message && event->text == text;
  }
  bool hears_close() { return server.expect(Event::Kind::close, handle); }

  RecordingServer server;
  WsClient client;
  Handle handle = 0;
};

}  // namespace ordercast::test
