// SPDX-License-Identifier: MIT
#pragma once

#include "support/memory_network.hpp"
#include "support/models/choices.hpp"
#include <ordercast/net/accept_handshake.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_parser.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The server of the client's model: honest in what it does of itself, and dishonest in the bytes
/// that the model makes it send besides.
namespace ordercast::test {

class ClientServer {
 public:
  explicit ClientServer(MemoryNetwork& network) : network_(network) {}

  /// What it has of an order. Its versions only grow within an epoch.
  std::map<std::string, std::uint64_t> versions;
  std::string epoch = "first";
  bool offers_second_version = true;

  /// Accepts the oldest connect, or refuses it.
  void accept(bool refuse) {
    for (const auto& line : network_.lines) {
      if (!line->on_connected) continue;
      line->refused = refuse;
      return std::exchange(line->on_connected, nullptr)(refuse);
    }
  }

  /// Reads what clients have sent, and answers as it should.
  void serve() {
    for (const auto& line : network_.lines) {
      if (!line->is_shut && !line->ended) serve(*line, sessions_[line.get()]);
    }
  }

  /// Says something on a line, in an order of its own or not.
  void say(Line& line, std::string_view text) { frame(line, net::Opcode::text, text); }
  void frame(Line& line, net::Opcode opcode, std::string_view payload) {
    give(line, net::make_frame(opcode, payload).bytes());
  }
  void give(Line& line, std::string_view bytes) {
    if (line.ended || line.is_shut) return;
    line.received.append(bytes);
    network_.deliver(line);
  }
  void close(Line& line, CloseCode code, std::string_view reason) {
    give(line, net::make_close_frame(code, reason).bytes());
    sessions_[&line].is_closing = true;
  }
  void end(Line& line) {
    line.ended = true;
    network_.deliver(line);
  }

  /// Refuses an order for the moment or for good, so that nothing of it comes any more.
  void refuse(Line& line, std::string_view code, const std::string& order_id) {
    sessions_[&line].orders.erase(order_id);
    say(line, error(code, order_id));
  }
  /// Drops so many messages of the client, and says so.
  void drop(Line& line, unsigned messages) { sessions_[&line].to_drop = messages; }

  /// A new version, told to who has subscribed to it.
  void change(const std::string& order_id, std::uint64_t version) {
    versions[order_id] = version;
    for (const auto& line : network_.lines) {
      const auto found = sessions_.find(line.get());
      if (found != sessions_.end() && found->second.orders.count(order_id) > 0) {
        say(*line, updated(order_id, versions[order_id]));
      }
    }
  }

  /// Forgets lines that are shut at both ends.
  void forget_shut() {
    auto& lines = network_.lines;
    const auto gone = std::remove_if(lines.begin(), lines.end(), [this](const auto& line) {
      if (!line->is_shut && !(line->refused && !line->on_connected)) return false;
      sessions_.erase(line.get());
      return true;
    });
    lines.erase(gone, lines.end());
  }

  [[nodiscard]] static std::string updated(const std::string& order_id, std::uint64_t version) {
    const nlohmann::json message = {
        {"type", "order:updated"}, {"orderId", order_id}, {"data", {{"version", version}}}};
    return message.dump();
  }

 private:
  static std::string error(std::string_view code, const std::string& order_id) {
    nlohmann::json message = {{"type", "error"}, {"code", code}, {"message", "m"}};
    if (!order_id.empty()) message["orderId"] = order_id;
    return message.dump();
  }

  struct Session {
    bool is_open = false;
    bool is_closing = false;
    unsigned to_drop = 0;  ///< Of the client's messages.
    std::string input;
    net::FrameParser parser;
    std::set<std::string> orders;
  };

  void serve(Line& line, Session& session) {
    session.input.append(std::exchange(line.sent, {}));
    if (!session.is_open) {
      const auto end = session.input.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const auto request = parsed(session.input.substr(0, end + 2));
      session.input.erase(0, end + 4);
      session.is_open = true;
      give(line, net::accept_handshake(request));
      if (select_subprotocol(request) == subprotocol_v2_name) say(line, hello());
    }
    auto bytes = std::exchange(session.input, {});
    net::Input input{bytes.data(), bytes.size()};
    for (;;) {
      const auto item = session.parser.next(input);
      switch (item.kind) {
        case net::FrameParser::Kind::none:
          return;
        case net::FrameParser::Kind::text:
          if (!session.is_closing) answer(line, session, std::string(item.payload));
          break;
        case net::FrameParser::Kind::ping:
          frame(line, net::Opcode::pong, item.payload);
          break;
        case net::FrameParser::Kind::pong:
          break;
        case net::FrameParser::Kind::close:
          if (!session.is_closing) frame(line, net::Opcode::close, item.payload);
          return end(line);
        default:
          throw Differs("the client sent a frame that isn't one");
      }
    }
  }

  void answer(Line& line, Session& session, const std::string& text) {
    if (session.to_drop > 0) {
      --session.to_drop;
      return say(line, error("rate_limited", {}));
    }
    const auto message = nlohmann::json::parse(text);
    const auto type = message.at("type").get<std::string>();
    if (type == "ping") return say(line, R"({"type":"pong"})");
    if (type == "presence") return;
    same(type == "subscribe" || type == "unsubscribe", "a client's message is of a known type");
    const auto orders =
        message.contains("orders") ? message.at("orders") : nlohmann::json::array({message});
    for (const auto& one : orders) {
      const auto order_id = one.at("orderId").get<std::string>();
      if (type == "unsubscribe") {
        session.orders.erase(order_id);
        continue;
      }
      session.orders.insert(order_id);
      const auto since = one.value("since", std::uint64_t{0});
      const auto of = message.value("epoch", one.value("epoch", epoch));
      if (versions[order_id] > since || of != epoch) {
        say(line, updated(order_id, versions[order_id]));
      }
    }
  }

  [[nodiscard]] std::string hello() const {
    return nlohmann::json{{"type", "hello"}, {"epoch", epoch}, {"node", "a"}}.dump();
  }
  [[nodiscard]] HttpRequest parsed(std::string_view text) const {
    HttpRequest request;
    text.remove_prefix(text.find("\r\n") + 2);
    while (!text.empty()) {
      const auto end = text.find("\r\n");
      const auto line = text.substr(0, end);
      const auto colon = line.find(": ");
      HttpHeader header{std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))};
      const bool is_protocol = iequals(header.name, "Sec-WebSocket-Protocol");
      if (is_protocol && !offers_second_version) header.value = subprotocol_name;
      request.headers.push_back(std::move(header));
      text.remove_prefix(end + 2);
    }
    return request;
  }

  MemoryNetwork& network_;
  std::map<const Line*, Session> sessions_;
};

}  // namespace ordercast::test
