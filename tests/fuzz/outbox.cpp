// SPDX-License-Identifier: MIT
// The outbox against a list, in any sequence of calls and with any bounds.
#include "fuzz/fuzz.hpp"
#include "support/naive_outbox.hpp"
#include <ordercast/outbox.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ordercast;        // NOLINT(google-build-using-namespace)
  using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
  Choices choices(data, size);
  const std::size_t max_messages = choices.below(80);
  const std::size_t max_bytes = choices.word();
  Outbox<std::string> outbox(max_messages, max_bytes);
  test::NaiveOutbox model(max_messages, max_bytes);
  unsigned step = 0;
  const auto pop = [&] {
    require(outbox.front() == model.front(), "the front is the same");
    require(outbox.front_bytes() == model.front_bytes(), "the front's bytes");
    outbox.pop();
    model.pop();
  };
  while (!choices.empty()) {
    const auto call = choices.below(6);
    const auto order = std::to_string(choices.below(64));
    if (call == 0) {
      if (!model.empty()) pop();
    } else if (call == 1) {
      require(outbox.drop_updates(order) == model.drop_updates(order), "drop_updates");
    } else {
      const auto kind = static_cast<QueuedKind>(choices.below(3));
      const std::size_t bytes = choices.byte();
      const auto frame = std::to_string(++step);
      require(outbox.push(kind, order, frame, bytes) == model.push(kind, order, frame, bytes),
              "push");
    }
    require(outbox.size() == model.size() && outbox.empty() == model.empty(), "size");
    require(outbox.bytes() == model.bytes(), "bytes");
    require(max_messages == 0 || outbox.size() <= max_messages, "the bound in messages");
    require(max_bytes == 0 || outbox.bytes() <= max_bytes, "the bound in bytes");
  }
  while (!model.empty()) pop();
  require(outbox.empty() && outbox.bytes() == 0, "nothing is left");
  return 0;
}
