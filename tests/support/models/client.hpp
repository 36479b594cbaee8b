// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/models/client_application.hpp"
#include "support/models/client_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>

/// A client with its socket, against an application and a server that do anything at any time: the
/// server lies, sends bytes that are no frames, breaks off; the application calls the client,
/// destroys it or throws from within its handlers. Whatever came before, the client ends with every
/// order's newest version once the server is well and the application wants it.
namespace ordercast::test {

template <class Source>
class ClientRun {
 public:
  explicit ClientRun(Source& source)
      : source_(source),
        // Above and below the bounds of one batch, and of what is watched.
        orders_(source.below(2) == 0 ? 6 : 150),
        application_(source, network_, server_, orders_) {
    server_.offers_second_version = source.below(2) == 0;
    for (unsigned i = 0; i < orders_; ++i) server_.versions[Application::id(i)] = source.below(3);
  }

  void run() {
    application_.create();
    while (!source_.empty()) {
      step();
      application_.pump();
      application_.check();
    }
    recover();
    leave();
  }

 private:
  using Application = ClientApplication<Source>;

  void step() {
    switch (source_.below(24)) {
      case 0:
        return network_.advance(std::chrono::milliseconds(source_.below(1000)));
      case 1:
        return network_.advance(
            std::chrono::seconds(source_.below(4) == 0 ? source_.below(400) : source_.below(8)));
      case 2:
        return network_.advance_to_alarm();
      case 3:
      case 4:
        return application_.call(source_.below(Application::calls));
      case 5: {  // Within the next handlers.
        for (auto count = source_.below(4); count > 0; --count) application_.plan();
        return;
      }
      case 6:
        if (source_.below(4) != 0) return;
        application_.destroy();
        return application_.create();
      case 7:
        if (!application_.exists()) application_.create();
        return server_.accept(source_.below(4) == 0);
      case 8:
      case 9:
        return server_.serve();
      case 10:
        return change(Application::id(source_.below(orders_)));
      case 11:
      case 16:
      case 17:
      case 18:
        return with_line([this](Line& line) { say(line); });
      case 12:
        return with_line([this](Line& line) { server_.frame(line, opcode(), bytes()); });
      case 13:
        return with_line([this](Line& line) { server_.give(line, bytes()); });
      case 14:
        return with_line([this](Line& line) {
          if (source_.below(2) == 0) return server_.end(line);
          server_.close(line, close_code(), "retry-after-ms=3000");
        });
      case 15:
      case 19:
      case 20:
        return settle();
      case 21: {  // A full order list on a client that is open.
        if (!application_.exists()) application_.create();
        application_.call(0);
        for (unsigned i = 0; i < 4; ++i) settle();
        return application_.call(5);
      }
      default:
        server_.epoch = source_.below(2) == 0 ? "first" : "second";
        return server_.forget_shut();
    }
  }

  /// For a moment everybody does as they should.
  void settle() {
    application_.answer_token();
    server_.accept(false);
    for (int turn = 0; turn < 4; ++turn) {  // A handshake, its answer, a message, its answer.
      application_.pump();
      server_.serve();
    }
    application_.pump();
  }

  template <class F>
  void with_line(F f) {
    if (network_.lines.empty()) return;
    // Mostly the newest.
    const auto count = static_cast<unsigned>(network_.lines.size());
    const auto back = source_.below(4) == 0 ? source_.below(count) : 0;
    f(*network_.lines[count - 1 - back]);
  }
  /// Says what could be right, or was once.
  void say(Line& line) {
    const auto order_id = Application::id(source_.below(orders_));
    const auto version = server_.versions[order_id];
    switch (source_.below(8)) {
      case 0:
        return server_.say(line, R"({"type":"pong"})");
      case 1:
        return server_.say(line,
                           ClientServer::updated(order_id, version - (std::min)(version, lie())));
      case 2:
        return server_.say(line, ClientServer::updated(order_id, version + lie()));
      case 3:
        return server_.refuse(line, "subscription_denied", order_id);
      case 4:
        return server_.refuse(line, "unavailable", order_id);
      case 5:
        return server_.drop(line, 1 + source_.below(4));
      case 6:
        return server_.say(line, source_.below(2) == 0 ? R"({"type":"hello","epoch":"second"})"
                                                       : R"({"type":"hello","epoch":"third"})");
      default:
        return server_.refuse(line, "too_many_subscriptions", order_id);
    }
  }
  void change(const std::string& order_id) {
    server_.change(order_id, server_.versions[order_id] + 1);
  }
  std::uint64_t lie() { return source_.below(4); }
  /// Up to more than a message may have.
  std::string bytes() {
    std::string text;
    for (auto count = source_.below(64); count > 0; --count) {
      text.push_back(static_cast<char>(source_.below(256)));
    }
    if (source_.below(8) == 0) text.append(source_.below(2 * Application::max_message), 'x');
    return text;
  }
  net::Opcode opcode() { return static_cast<net::Opcode>(source_.below(16)); }
  CloseCode close_code() {
    constexpr std::array<std::uint16_t, 10> codes{1000, 1001, 1006, 1008, 1009,
                                                  1012, 4001, 4008, 4009, 999};
    return static_cast<CloseCode>(codes.at(source_.below(10)));
  }
  /// The server is well again, and the application wants to be connected.
  void recover() {
    application_.forget_plans();
    const bool begins_anew = source_.below(2) == 0;
    for (const auto& line : network_.lines) {
      if (begins_anew) server_.end(*line);
      server_.drop(*line, 0);
    }
    application_.pump();
    if (!application_.exists()) application_.create();
    renew_versions();
    application_.want_updates();
    application_.pump();
    for (unsigned left = 300; left > 0 && !application_.has_all(); --left) {
      settle();
      server_.forget_shut();
      if (!application_.has_all()) network_.advance_to_alarm();
      application_.pump();
      application_.check();
    }
    same(application_.has_all(), "every version arrives once the server is well");
  }
  /// Whatever it was told, what is to come is newer: an application's versions may be lies.
  void renew_versions() {
    constexpr std::uint64_t most = std::uint64_t{1} << 52U;
    for (unsigned i = 0; i < orders_; ++i) {
      const auto version =
          (std::max)(server_.versions[Application::id(i)], application_.seen(Application::id(i)));
      if (version >= most) return renew_store();
      server_.change(Application::id(i), version + 1);
    }
  }
  /// Starts a server on another store.
  void renew_store() {
    for (const auto& line : network_.lines) server_.end(*line);
    server_.epoch = "another";
    server_.offers_second_version = true;
    for (auto& [order_id, version] : server_.versions) version = 1;
  }
  /// Nothing stays behind.
  void leave() {
    if (source_.below(2) == 0) application_.call(1);
    application_.pump();
    application_.check();
    application_.destroy();
    server_.serve();
    application_.pump();
    network_.advance(std::chrono::minutes(2));
    application_.pump();
    server_.forget_shut();
    same(network_.lines.empty(), "no socket stays open");
    same(network_.alarms() == 0, "no timer stays armed");
  }

  Source& source_;
  unsigned orders_;
  MemoryNetwork network_;
  ClientServer server_{network_};
  Application application_;
};

}  // namespace ordercast::test
