// SPDX-License-Identifier: MIT
#include "token.hpp"

#include <ordercast/auth/detail/base64url.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace order_watch {

std::optional<ordercast::TimePoint> renew_at(std::string_view token, ordercast::TimePoint now,
                                             double draw) {
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto text =
      ordercast::detail::jose::base64url_decode(token.substr(first + 1, second - first - 1));
  const auto claims = nlohmann::json::parse(text.value_or(""), nullptr, false);
  if (!claims.is_object() || !claims.contains("exp") || !claims.contains("iat") ||
      !claims["exp"].is_number() || !claims["iat"].is_number()) {
    return std::nullopt;
  }
  constexpr double margin_seconds = 30;
  constexpr double year_seconds = 365.0 * 24 * 3600;
  const double life = claims["exp"].get<double>() - claims["iat"].get<double>();
  if (!(life > 0)) return std::nullopt;
  // Use a token with a shorter life than the margin for half of its life.
  const double used = life - std::min(margin_seconds * (1 + draw), life / 2);
  return now + std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(
                   1000 * std::min(used, year_seconds)));
}

}  // namespace order_watch
