// SPDX-License-Identifier: MIT
#pragma once

#include "fake_transport.hpp"

#include <cstddef>
#include <string>

/// A Transport over a library that takes whole texts and tells nothing but whether it takes more:
/// no byte counts, and no frame that is made once for all. One thread at a time.
namespace ordercast::test {

class PlainTransport : private FakeTransport {
 public:
  using FakeTransport::Frame;
  using FakeTransport::Handle;
  using FakeTransport::Peer;

  using FakeTransport::close;
  using FakeTransport::high_water;
  using FakeTransport::ping;
  using FakeTransport::prepare;  // Keeps the text.
  using FakeTransport::take;
  using FakeTransport::terminate;
  using FakeTransport::operator[];

  /// Hands the library a copy of the text, which it frames for this connection alone.
  SendResult send(Handle handle, const Frame& text) {
    ++framed;
    return FakeTransport::send(handle, std::make_shared<const std::string>(*text));
  }

  std::size_t framed = 0;
};

}  // namespace ordercast::test
