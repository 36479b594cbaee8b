// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <optional>
#include <string_view>

namespace order_watch {

/// When an access token that has just come should be renewed: 30 s before it expires, up to 60 s as
/// `draw` in [0, 1) wants it. Reckons with the token's life alone, since clocks differ. nullopt if
/// that can't be read from it. The token is not verified.
[[nodiscard]] std::optional<ordercast::TimePoint> renew_at(std::string_view token,
                                                           ordercast::TimePoint now, double draw);

}  // namespace order_watch
