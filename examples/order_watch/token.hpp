// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <optional>
#include <string_view>

namespace order_watch {

/// Returns when to renew an access token that has just arrived: 30 s to 60 s before it expires,
/// depending on `draw` in [0, 1). Uses only the token's lifetime, since clocks differ; nullopt if
/// the token does not state it. Does not verify the token.
[[nodiscard]] std::optional<ordercast::TimePoint> renew_at(std::string_view token,
                                                           ordercast::TimePoint now, double draw);

}  // namespace order_watch
