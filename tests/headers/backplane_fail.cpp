// SPDX-License-Identifier: MIT
// Without a CASE this compiles. With one it must not, and the compiler has to say what is missing.
#include <ordercast/in_process_backplane.hpp>

#include <cstdint>
#include <optional>

using namespace ordercast;

namespace {

struct Least {
  template <class Done>
  void publish(const OrderEvent& /*event*/, Done done) {
    done(BackplaneAnswer::stored);
  }
  template <class Done>
  void publish(const BackplaneNotice& /*notice*/, Done done) {
    done(BackplaneAnswer::stored);
  }
  void subscribe(const BackplaneReceiver& /*receiver*/,
                 const std::optional<BackplanePosition>& /*after*/) {}
  [[nodiscard]] std::optional<BackplanePosition> position() const { return {}; }
  [[nodiscard]] bool hears() const { return true; }
  [[nodiscard]] std::uint64_t behind() const { return 0; }
  void stop() {}
};

// Each hides one member with something else.
struct NoPublish : Least {
  int publish = 0;
};
struct NoSubscribe : Least {
  int subscribe = 0;
};
struct NoPosition : Least {
  int position = 0;
};
struct NoHears : Least {
  int hears = 0;
};
struct NoBehind : Least {
  int behind = 0;
};
struct NoStop : Least {
  int stop = 0;
};

static_assert(is_backplane<Least> && is_backplane<InProcessBackplane>);
static_assert(!is_backplane<NoPublish> && !is_backplane<NoSubscribe> && !is_backplane<NoPosition> &&
              !is_backplane<NoHears> && !is_backplane<NoBehind> && !is_backplane<NoStop> &&
              !is_backplane<int>);

#ifndef CASE_BACKPLANE
#define CASE_BACKPLANE Least
#endif
static_assert(detail::check_backplane<CASE_BACKPLANE>());

}  // namespace
