// SPDX-License-Identifier: MIT
// HTTP requests: however the bytes are split the verdict is the same, and what is ambiguous, which
// is how requests are smuggled, is refused.
#include "fuzz/fuzz.hpp"
#include <ordercast/net/request_parser.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
using net::RequestLimits;
using net::RequestParser;

/// Feeds the parser pieces whose lengths `next` gives; how many bytes it took.
template <class Next>
std::size_t feed(RequestParser& parser, std::string_view wire, Next next) {
  std::size_t taken = 0;
  while (taken < wire.size() && !parser.complete() && !parser.refused()) {
    const auto piece = wire.substr(taken, std::max<std::size_t>(1, next()));
    const auto consumed = parser.consume(piece);
    require(consumed <= piece.size(), "no more is taken than there is");
    require(consumed == piece.size() || parser.complete() || parser.refused(),
            "what is left follows the request");
    taken += consumed;
  }
  return taken;
}

std::size_t count(const HttpRequest& request, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [&](const HttpHeader& field) { return iequals(field.name, name); }));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

/// What holds for a request that is let through, whatever stands in it.
void check_accepted(const RequestParser& parser, const RequestLimits& limits) {
  const auto& request = parser.request();
  require(request.body.size() <= limits.max_body_bytes, "the bound on a body");
  require(request.headers.size() <= RequestParser::max_header_fields, "the bound on headers");
  const auto codings = count(request, "Transfer-Encoding");
  require(codings <= 1, "no second transfer coding gets through");
  if (codings == 1) {
    require(iequals(request.header("Transfer-Encoding"), "chunked"),
            "no other coding than chunked");
    require(count(request, "Content-Length") == 0, "no length beside chunks");
    require(parser.version() == "HTTP/1.1", "no chunks on HTTP/1.0");
  }
  require(count(request, "Content-Length") <= 1, "no second length gets through");
  require(count(request, "Host") == 1 || parser.version() == "HTTP/1.0", "one Host");
  const auto length = request.header("Content-Length");
  if (count(request, "Content-Length") == 1) {
    require(!length.empty() && std::all_of(length.begin(), length.end(),
                                           [](char c) { return c >= '0' && c <= '9'; }),
            "a length is digits");
    require(std::stoull("0" + std::string(length)) == request.body.size(), "the body is as long");
  } else if (codings == 0) {
    require(request.body.empty(), "no length, no body");
  }
  require(!request.method.empty() && request.method.find(' ') == std::string::npos, "a method");
  require(request.target == "*" || request.target.substr(0, 1) == "/", "the origin form");
  require(!has_control(request.target) && request.target.find(' ') == std::string::npos,
          "a target is one visible word");
  for (const auto& field : request.headers) {
    require(!field.name.empty() && !has_control(field.name) &&
                field.name.find_first_of(" :\t") == std::string::npos,
            "a name is a token");
    require(!has_control(field.value), "a value is on one line");
  }
  if (parser.is_handshake()) {
    require(request.method == "GET" && request.body.empty() && parser.version() == "HTTP/1.1" &&
                request.header("Sec-WebSocket-Version") == "13" &&
                request.header("Sec-WebSocket-Key").size() == 24,
            "a handshake is whole");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  // Bounds near the sizes of inputs, so that they are met.
  RequestLimits limits;
  limits.max_head_bytes = 64 + 8 * choices.below(256);
  limits.max_body_bytes = choices.byte();
  std::string split(choices.text());
  const auto wire = choices.rest();

  RequestParser whole(limits);
  const auto taken = feed(whole, wire, [&] { return wire.size(); });
  if (whole.complete()) {
    check_accepted(whole, limits);
  } else if (!whole.refused()) {
    require(taken == wire.size(), "a request that goes on takes all");
  } else {
    require(whole.status() >= 400 && whole.status() <= 505, "a refusal has a status");
  }

  RequestParser pieces(limits);
  std::size_t piece = 0;
  const auto taken_in_pieces = feed(pieces, wire, [&]() -> std::size_t {
    return split.empty() ? 1 : static_cast<unsigned char>(split[piece++ % split.size()]);
  });
  require(pieces.status() == whole.status(), "a split does not change the verdict");
  require(pieces.complete() == whole.complete(), "a split does not change the end");
  if (whole.complete()) {
    require(taken_in_pieces == taken, "a split does not move the end");
    require(pieces.is_handshake() == whole.is_handshake(), "a split makes no handshake");
    require(pieces.request().target == whole.request().target &&
                pieces.request().method == whole.request().method &&
                pieces.request().body == whole.request().body &&
                pieces.request().headers.size() == whole.request().headers.size(),
            "a split does not change the request");
  }
  return 0;
}
