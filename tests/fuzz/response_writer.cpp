// SPDX-License-Identifier: MIT
// HTTP responses: whatever a handler answers, one response with the right framing is written.
#include "fuzz/fuzz.hpp"
#include <ordercast/net/response_writer.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)

struct Parsed {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string_view body;

  [[nodiscard]] std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& field : headers) {
      if (iequals(field.name, name)) found.push_back(field.value);
    }
    return found;
  }
};

/// As a strict client reads it.
Parsed parse(std::string_view wire) {
  Parsed parsed;
  const auto end = wire.find("\r\n\r\n");
  require(end != std::string_view::npos, "the head ends");
  parsed.body = wire.substr(end + 4);
  auto head = wire.substr(0, end + 2);
  const auto line_end = head.find("\r\n");
  const auto status_line = head.substr(0, line_end);
  require(status_line.substr(0, 9) == "HTTP/1.1 " && status_line.size() > 13, "a status line");
  parsed.status = std::stoi(std::string(status_line.substr(9, 3)));
  for (head.remove_prefix(line_end + 2); !head.empty();) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    const auto colon = line.find(": ");
    require(colon != std::string_view::npos && colon > 0, "a header has a name");
    require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "a line is one line");
    parsed.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
  }
  return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  HttpResponse response;
  response.status = choices.below(2) == 0 ? 200 : static_cast<int>(choices.word() % 1024);
  const bool to_head = choices.below(2) == 1;
  for (auto fields = choices.below(5); fields > 0; --fields) {
    std::string name(choices.text());
    response.headers.push_back({std::move(name), std::string(choices.text())});
  }
  response.body = choices.rest();

  const auto wire = net::write_response(response, to_head, 1'700'000'000);
  const auto parsed = parse(wire);
  const bool written = net::is_writable(response);
  require(parsed.status == (written ? response.status : 500), "what breaks the framing is a 500");
  require(parsed.status >= 200 && parsed.status <= 599, "a final status");
  require(parsed.values("Transfer-Encoding").empty(), "no transfer coding");
  require(parsed.values("Date").size() == 1 && parsed.values("Connection").size() == 1,
          "the transport's own headers stand there once");
  const auto lengths = parsed.values("Content-Length");
  if (parsed.status == 204 || parsed.status == 304) {
    require(lengths.empty() && parsed.body.empty(), "no body where none may be");
    return 0;
  }
  require(lengths.size() == 1, "one length");
  if (written) require(lengths[0] == std::to_string(response.body.size()), "the body's length");
  require(to_head ? parsed.body.empty() : lengths[0] == std::to_string(parsed.body.size()),
          "the body is as long as it says");
  if (written && !to_head) require(parsed.body == response.body, "the body is the handler's");
  return 0;
}
