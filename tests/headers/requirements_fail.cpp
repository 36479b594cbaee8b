// SPDX-License-Identifier: MIT
// Without a CASE this compiles. With one it must not, and the compiler has to say what is missing.
#include "support/archetypes.hpp"
#include <ordercast/ordercast.hpp>

#include <cstddef>
#include <string>
#include <string_view>

using namespace ordercast;

namespace {

using Archetype = test::ArchetypeTransport;

// Each lacks one member, or hides it with something else.
struct NoHandle {
  using Frame = char;
};
struct NoFrame {
  using Handle = int;
};
struct Unhashable {};
struct BadHandle : Archetype {
  using Handle = Unhashable;
  SendResult send(Handle /*to*/, const Frame& /*frame*/) { return SendResult::accepted; }
};
struct BadFrame : Archetype {
  struct Frame {
    Frame() = default;
    Frame(const Frame&) = delete;
    Frame(Frame&&) = default;
    Frame& operator=(const Frame&) = delete;
    Frame& operator=(Frame&&) = default;
    ~Frame() = default;
  };
  static Frame prepare(std::string /*text*/) { return {}; }
  SendResult send(Handle /*to*/, const Frame& /*frame*/) { return SendResult::accepted; }
};
struct NoPrepare : Archetype {
  static void prepare(std::string /*text*/) {}
};
struct NoSend : Archetype {
  void send(Handle /*to*/, const Frame& /*frame*/) {}
};
struct BadBufferedBytes : Archetype {
  int buffered_bytes = 0;
};
struct NoPing : Archetype {
  int ping = 0;
};
struct NoClose : Archetype {
  int close = 0;
};
struct NoTerminate : Archetype {
  int terminate = 0;
};

template <class Authenticator = RefuseAll, class Authorizer = DenyAll, class Orders = NoSnapshots,
          class Observer = NullObserver, class Clock = SteadyClock>
using Seams = Services<Authenticator, Authorizer, Orders, Observer, Clock>;
struct Empty {};
struct Returns {
  template <class Done>
  bool authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done /*done*/) const {
    return true;
  }
  template <class Done>
  bool fetch(std::string_view /*order_id*/, Done /*done*/) const {
    return true;
  }
};
struct Misspelt {
  bool on_unknwon(const IdentityView& /*who*/, std::string_view /*type*/,
                  std::string_view /*message*/) {
    return true;
  }
};
using WithMisspelt = Services<RefuseAll, DenyAll, NoSnapshots, NullObserver, SteadyClock, Misspelt>;
struct NoClock {
  RefuseAll authenticator;
  DenyAll authorizer;
  NoSnapshots orders;
  NullObserver observer;
};

static_assert(is_transport<Archetype> && is_transport<test::CountingArchetypeTransport>);
static_assert(is_services<DefaultServices> && is_services<test::ArchetypeServices>);
static_assert(!is_transport<NoHandle> && !is_transport<NoFrame> && !is_transport<BadHandle> &&
              !is_transport<BadFrame> && !is_transport<NoPrepare> && !is_transport<NoSend> &&
              !is_transport<BadBufferedBytes> && !is_transport<NoPing> && !is_transport<NoClose> &&
              !is_transport<NoTerminate> && !is_transport<int>);
static_assert(!is_services<NoClock> && !is_services<Seams<Empty>> &&
              !is_services<Seams<RefuseAll, Empty>> &&
              !is_services<Seams<RefuseAll, DenyAll, Empty>> &&
              !is_services<Seams<RefuseAll, DenyAll, NoSnapshots, Empty>> &&
              !is_services<Seams<RefuseAll, DenyAll, NoSnapshots, NullObserver, Empty>>);

#ifndef CASE_TRANSPORT
#define CASE_TRANSPORT Archetype
#endif
#ifndef CASE_SERVICES
#define CASE_SERVICES DefaultServices
#endif

[[maybe_unused]] void use(CASE_TRANSPORT& transport) {
  ConnectionManager<CASE_TRANSPORT, CASE_SERVICES> manager(transport);
}

}  // namespace
