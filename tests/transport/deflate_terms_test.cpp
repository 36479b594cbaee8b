// SPDX-License-Identifier: MIT
#include <ordercast/net/deflate_terms.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using ordercast::HttpRequest;
using ordercast::net::negotiate_deflate;
using ordercast::net::to_answer;

namespace {

constexpr const char* agreed =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What fields of Sec-WebSocket-Extensions are answered with; "" if there is no answer.
std::string answer_to(const std::vector<std::string>& fields) {
  HttpRequest request;
  request.headers = {{"Host", "localhost"}};
  for (const auto& field : fields) {
    request.headers.push_back({"sec-websocket-extensions", field});
  }
  const auto terms = negotiate_deflate(request);
  return terms ? to_answer(terms) : "";
}

std::string with_window(const std::string& bits) {
  return std::string(agreed) + "; server_max_window_bits=" + bits;
}

struct Row {
  std::vector<std::string> fields;
  std::string answer;
};

}  // namespace

TEST_CASE("the first good offer of permessage-deflate is accepted, without context takeover",
          "[deflate]") {
  const std::vector<Row> table = {
      {{}, ""},
      {{""}, ""},
      {{"permessage-deflate"}, agreed},
      {{"permessage-deflate; client_max_window_bits"}, agreed},  // Browsers, Node.
      {{"permessage-deflate; client_no_context_takeover; server_no_context_takeover"}, agreed},
      {{"permessage-deflate;client_max_window_bits=8"}, agreed},
      {{" \tpermessage-deflate ; client_max_window_bits = 15 "}, agreed},
      {{"permessage-deflate; client_max_window_bits=\"15\""}, agreed},
      // The window is ours to keep, and to confirm.
      {{"permessage-deflate; server_max_window_bits=15"}, with_window("15")},
      {{"permessage-deflate; server_max_window_bits=10"}, with_window("10")},
      {{"permessage-deflate; server_max_window_bits=9"}, with_window("9")},
      {{"permessage-deflate; server_max_window_bits=8"}, with_window("8")},
      {{"permessage-deflate; server_max_window_bits=\"1\\0\""}, with_window("10")},
      // Values outside of the RFC decline the offer.
      {{"permessage-deflate; server_max_window_bits"}, ""},
      {{"permessage-deflate; server_max_window_bits=7"}, ""},
      {{"permessage-deflate; server_max_window_bits=16"}, ""},
      {{"permessage-deflate; server_max_window_bits=08"}, ""},
      {{"permessage-deflate; server_max_window_bits=+9"}, ""},
      {{"permessage-deflate; server_max_window_bits=100"}, ""},
      {{"permessage-deflate; client_max_window_bits=7"}, ""},
      {{"permessage-deflate; client_max_window_bits=abc"}, ""},
      {{"permessage-deflate; server_no_context_takeover=1"}, ""},
      {{"permessage-deflate; client_no_context_takeover=true"}, ""},
      // So do unknown parameters, and known ones given twice.
      {{"permessage-deflate; speed=9"}, ""},
      {{"permessage-deflate; Client_Max_Window_Bits"}, ""},
      {{"permessage-deflate; client_max_window_bits; client_max_window_bits"}, ""},
      {{"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"}, ""},
      {{"permessage-deflate; server_no_context_takeover; server_no_context_takeover"}, ""},
      // The next offer is tried, of the same field or of another.
      {{"permessage-deflate; speed=9, permessage-deflate"}, agreed},
      {{"permessage-deflate; server_max_window_bits=7", "permessage-deflate"}, agreed},
      {{"permessage-deflate; server_max_window_bits=9, permessage-deflate"}, with_window("9")},
      {{"x-webkit-deflate-frame, permessage-deflate"}, agreed},
      {{"permessage-bzip2; level=9", "permessage-foo; a=\"b\" , permessage-deflate"}, agreed},
      {{"foo; speed=9; speed=9, , permessage-deflate"}, agreed},
      {{", ,permessage-deflate,"}, agreed},
      // Other names.
      {{"permessage-deflates"}, ""},
      {{"Permessage-Deflate"}, ""},
      {{"deflate-frame"}, ""},
      // Against the grammar: nothing behind it is read.
      {{"permessage-deflate; client_max_window_bits=\"15"}, ""},
      {{"permessage-deflate; client_max_window_bits=\"1 5\""}, ""},
      {{"permessage-deflate; client_max_window_bits=\"\""}, ""},
      {{"permessage-deflate; client_max_window_bits="}, ""},
      {{"permessage-deflate;"}, ""},
      {{"permessage-deflate; ;client_max_window_bits"}, ""},
      {{"permessage-deflate client_max_window_bits"}, ""},
      {{"permessage-deflate=1"}, ""},
      {{"foo bar, permessage-deflate"}, ""},
      {{"=, permessage-deflate"}, ""},
      {{"\"permessage-deflate\""}, ""},
      {{"foo; a=\"\\"}, ""},
      {{"=", "permessage-deflate"}, agreed},
  };
  for (const auto& row : table) {
    CAPTURE(row.fields);
    CHECK(answer_to(row.fields) == row.answer);
  }
}

TEST_CASE("a field of any length is read once from front to back", "[deflate]") {
  std::string offers;
  for (int i = 0; i < 4'000; ++i) offers += "permessage-deflate;x,";
  CHECK(answer_to({offers + "permessage-deflate"}) == agreed);
  CHECK(answer_to({std::string(16'000, ',') + "permessage-deflate"}) == agreed);
  CHECK(answer_to({"foo; a=\"" + std::string(16'000, '\\')}).empty());
}
