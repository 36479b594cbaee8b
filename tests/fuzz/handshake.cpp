// SPDX-License-Identifier: MIT
// What is read from a handshake: the token, the subprotocol, the query.
#include "fuzz/fuzz.hpp"
#include <ordercast/handshake.hpp>

#include <string>
#include <string_view>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789aBcDeF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', hex[byte >> 4U], hex[byte & 15U]};
  }
  return out;
}

void check_encoding(std::string_view text) {
  const auto decoded = percent_decode(text);
  require(decoded.size() <= text.size(), "decoding never grows");
  if (text.find('%') == std::string_view::npos) require(decoded == text, "what is plain stays");
  require(percent_decode(percent_encoded(text)) == text, "every byte can be encoded");
}

void check_query(std::string_view query) {
  // Each name in the query is found, with the value that stands at its first place.
  std::size_t at = 0;
  while (at <= query.size()) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto pair = query.substr(at, end - at);
    const auto name = pair.substr(0, pair.find('='));
    if (!query.empty()) {
      // An empty element behind the last '&' is none.
      const bool is_last_and_empty = pair.empty() && end == query.size();
      require(is_last_and_empty || query_parameter(query, name).has_value(), "a name is found");
    }
    at = end + 1;
  }
  require(!query_parameter(query, "a name & that no query = has"), "a strange name is not found");
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  HttpRequest request;
  request.method = "GET";
  request.target = choices.text();
  std::string sources = percent_decode(request.target);
  bool offered = false;
  bool offered_v2 = false;
  bool has_bearer = false;
  for (auto headers = choices.below(4); headers > 0; --headers) {
    const bool is_authorization = choices.below(2) == 0;
    std::string value(choices.text());
    sources += "\n" + value;
    has_bearer = has_bearer || is_authorization;
    offered = offered || (!is_authorization && contains(value, subprotocol_name));
    offered_v2 = offered_v2 || (!is_authorization && contains(value, subprotocol_v2_name));
    request.headers.push_back(
        {is_authorization ? "authorization" : "Sec-WebSocket-Protocol", std::move(value)});
  }
  check_encoding(request.target);
  check_query(request.query());
  require(std::string(request.path()) + (contains(request.target, "?") ? "?" : "") +
                  std::string(request.query()) ==
              request.target,
          "path and query are the target");

  const auto token = token_of(request);
  require(contains(sources, token), "a token was sent, not made up");
  if (!token.empty() && has_bearer) {
    const auto first = request.header("Authorization");
    if (iequals(first.substr(0, 7), "Bearer ") && first.size() > 7) {
      require(contains(first, token), "the Authorization header goes first");
    }
  }
  const auto selected = select_subprotocol(request);
  require(selected.empty() || (selected == subprotocol_name && offered) ||
              (selected == subprotocol_v2_name && offered_v2),
          "a subprotocol is selected only when it was offered");
  return 0;
}
