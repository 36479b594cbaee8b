// SPDX-License-Identifier: MIT
#pragma once

#include "recording_server.hpp"

#include <catch2/catch.hpp>
#include <support/ws_client.hpp>

#include <string>
#include <utility>

namespace ordercast::test {

/// A server and one client that has opened a connection to it.
struct OpenedPair {
  OpenedPair() : OpenedPair(RecordingServer::Setup{}) {}
  explicit OpenedPair(RecordingServer::Setup setup) : server(std::move(setup)) {
    REQUIRE(client.connect("127.0.0.1", server.port(), "/ws"));
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
