// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace order_server {

/// Who gets a push.
enum class PushPolicy : std::uint8_t {
  always,     ///< To every device of the order's owner.
  when_away,  ///< Not while the owner looks: at a connection that said `presence` with
              ///< `visible: true` last, and has answered a ping since the change.
};

}  // namespace order_server
