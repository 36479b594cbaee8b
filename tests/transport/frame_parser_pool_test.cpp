// SPDX-License-Identifier: MIT
#include <ordercast/asio/frame_parser_pool.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using ordercast::CloseCode;
using ordercast::asio::FrameParserPool;
using ordercast::net::FrameParser;
using ordercast::net::Input;

TEST_CASE("a parser that comes back is used again and remembers nothing", "[frame_parser_pool]") {
  FrameParserPool pool;
  pool.set_options({1, false});
  auto parser = pool.take();
  auto* const same = parser.get();
  std::string bytes("\x81\x82", 2);  // A masked text of two bytes.
  bytes.append("mask");
  Input input{bytes.data(), bytes.size()};
  const auto item = parser->next(input);
  CHECK(item.kind == FrameParser::Kind::refused);
  CHECK(item.code == CloseCode::message_too_big);  // As the options say.
  pool.give_back(std::move(parser));
  parser = pool.take();
  CHECK(parser.get() == same);
  CHECK(parser->idle());
}

TEST_CASE("no more than a few spare parsers are kept", "[frame_parser_pool]") {
  FrameParserPool pool;
  std::vector<std::unique_ptr<FrameParser>> parsers;
  parsers.reserve(1000);
  for (int i = 0; i < 1000; ++i) parsers.push_back(pool.take());
  for (auto& parser : parsers) pool.give_back(std::move(parser));
  CHECK(pool.spares() == 64);
}
