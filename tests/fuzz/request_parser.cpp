// SPDX-License-Identifier: MIT
// HTTP requests: however the bytes are split the verdict is the same, and what is ambiguous, which
// is how requests are smuggled, is refused. Half of the inputs are bytes as they stand; the others
// choose from a grammar: requests that follow each other on one connection, bodies in chunks, an
// interim answer that is waited for, and faults whose verdict is known.
#include "fuzz/fuzz.hpp"
#include <ordercast/net/request_parser.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

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

namespace {

/// The same for a parser that gets all at once and one that gets pieces.
void check_bytes(Choices& choices) {
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
}

/// A request that was made up, and what must become of it.
struct Made {
  std::string wire;
  std::string body;
  bool waits = false;   ///< For an interim answer, before its body.
  bool is_bad = false;  ///< It must be refused.
  std::size_t head_bytes = 0;
};

std::string chunk_size(Choices& choices, std::size_t size) {
  constexpr std::string_view lower = "0123456789abcdef";
  constexpr std::string_view upper = "0123456789ABCDEF";
  const auto digits = choices.below(2) == 0 ? lower : upper;
  std::string text;
  for (; size != 0; size /= 16) text.insert(text.begin(), digits[size % 16]);
  return std::string(choices.below(4) == 0 ? choices.below(4) : 0, '0') +
         (text.empty() ? "0" : text);
}

/// A body in chunks: fill, one byte each, nothing; with extensions and trailers; perhaps broken.
std::string chunked(Choices& choices, Made& made) {
  std::string wire;
  const auto fault = choices.below(8) == 0 ? 1 + choices.below(6) : 0;
  const auto count = choices.below(choices.below(4) == 0 ? 200 : 5);
  const auto bad_at = count == 0 ? 0 : choices.below(count);
  const auto size = 1 + choices.below(choices.below(2) == 0 ? 2 : 3000);
  for (unsigned i = 0; i < count; ++i) {
    const std::string data(size, static_cast<char>(choices.byte()));
    const bool is_bad = fault != 0 && i == bad_at;
    made.is_bad = made.is_bad || is_bad;
    wire += is_bad && fault == 1 ? "g" : is_bad && fault == 2 ? " " : "";
    wire += chunk_size(choices, is_bad && fault == 3 ? size - 1 : size);
    // Behind an extension white space is allowed.
    if (choices.below(8) == 0 && !(is_bad && fault == 5)) wire += ";name=value";
    wire += is_bad && fault == 4 ? "\n" : is_bad && fault == 5 ? " \r\n" : "\r\n";
    wire += data + (is_bad && fault == 6 ? "\n" : "\r\n");
    made.body += data;
  }
  wire += chunk_size(choices, 0) + "\r\n";
  for (auto trailers = choices.below(3); trailers > 0; --trailers) wire += "X-Trailer: yes\r\n";
  return wire + "\r\n";
}

Made make(Choices& choices) {
  Made made;
  const bool is_old = choices.below(6) == 0;
  const auto framing = choices.below(4);
  const bool is_chunked = framing == 2 && !is_old;
  std::string body;
  std::string fields;
  if (is_chunked) {
    body = chunked(choices, made);
    fields +=
        choices.below(2) == 0 ? "Transfer-Encoding: chunked\r\n" : "tRANSFER-eNCODING:CHUNKED\r\n";
  } else if (framing == 1) {
    made.body = std::string(choices.below(choices.below(2) == 0 ? 3 : 5000), 'b');
    body = made.body;
    fields += "Content-Length: " + std::string(choices.below(3), '0') +
              std::to_string(body.size()) + "\r\n";
  }
  if (choices.below(3) == 0) {
    fields += "Expect: 100-Continue\r\n";
    made.waits = !is_old && (is_chunked || !body.empty());
  }
  switch (choices.below(12)) {
    case 0:
      fields += "Content-Length: 1\r\nContent-Length: 1\r\n";
      made.is_bad = true;
      break;
    case 1:
      fields += "Transfer-Encoding: gzip, chunked\r\n";
      made.is_bad = true;
      break;
    case 2:
      fields += "Host: another\r\n";
      made.is_bad = true;
      break;
    case 3:
      if (is_chunked) fields += "Content-Length: " + std::to_string(body.size()) + "\r\n";
      made.is_bad = made.is_bad || is_chunked;
      break;
    default:
      break;
  }
  for (auto more = choices.below(4) == 0 ? choices.below(90) : 0; more > 0; --more)
    fields += "X: y\r\n";
  made.wire = (choices.below(2) == 0 ? "POST /a?b HTTP/1." : "GET http://h/a?b HTTP/1.");
  made.wire += std::string(is_old ? "0" : "1") + "\r\nHost: h\r\n" + fields + "\r\n";
  made.head_bytes = made.wire.size();
  made.wire += body;
  return made;
}

/// Requests one behind the other: each ends where the next begins, and an interim answer is asked
/// for once, before the body.
void check_connection(Choices& choices) {
  std::vector<Made> all;
  std::string wire;
  for (auto count = 1 + choices.below(4); count > 0; --count) {
    all.push_back(make(choices));
    wire += all.back().wire;
    if (all.back().is_bad) break;
  }
  RequestLimits limits;
  limits.max_body_bytes = std::size_t{1024} * 1024;
  std::string_view rest = wire;
  for (const auto& made : all) {
    RequestParser parser(limits);
    const auto split = choices.below(3);
    // First the head alone, as a client does that waits.
    if (split == 0 && !made.is_bad) {
      require(parser.consume(rest.substr(0, made.head_bytes)) == made.head_bytes,
              "the head is taken");
      require(parser.take_continue() == made.waits, "an interim answer is sent to who waits");
      require(!parser.take_continue(), "and once");
      rest.remove_prefix(made.head_bytes);
    }
    const auto left =
        split == 0 && !made.is_bad ? made.wire.size() - made.head_bytes : made.wire.size();
    const auto taken = feed(parser, rest, [&]() -> std::size_t {
      return split == 1 ? rest.size() : 1 + choices.below(40);
    });
    if (made.is_bad) {
      require(parser.refused(), "a broken request is refused");
      return;
    }
    require(parser.complete() && !parser.refused(), "a whole request is complete");
    require(taken == left, "a request ends where the next begins");
    require(!parser.take_continue(), "nobody waits for what has come");
    require(parser.request().body == made.body, "the body is what was sent");
    require(parser.request().target == "/a?b", "the target is what was sent");
    check_accepted(parser, limits);
    rest.remove_prefix(left);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  if (choices.below(2) == 0) {
    check_bytes(choices);
  } else {
    check_connection(choices);
  }
  return 0;
}
