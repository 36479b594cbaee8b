// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/deflate_terms.hpp>

#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/http/constants.hpp>

#include <string>
#include <system_error>
#include <utility>

/// websocketpp's policy for permessage-deflate, as far as it is asked: whether RSV1 is allowed, and
/// what the handshake is answered with.
///
/// `Request` has negotiated before, and `Message` lets compressed bytes through as they are: the
/// transport inflates whole messages, because what websocketpp inflates has no limit. One for each
/// connection; one thread.
namespace ordercast::websocketpp::detail {

template <class Config>
class DeflatePolicy : public ::websocketpp::extensions::permessage_deflate::disabled<Config> {
 public:
  /// How `Request` passes the answer on: as the name of the offer's one attribute.
  static ::websocketpp::http::attribute_list as_offer(const net::DeflateTerms& terms) {
    return {{net::to_answer(terms), {}}};
  }

  std::pair<std::error_code, std::string> negotiate(
      const ::websocketpp::http::attribute_list& offer) {
    is_enabled_ = true;
    return {{}, offer.begin()->first};
  }
  [[nodiscard]] bool is_implemented() const noexcept { return net::has_deflate; }
  [[nodiscard]] bool is_enabled() const noexcept { return is_enabled_; }

 private:
  bool is_enabled_ = false;
};

}  // namespace ordercast::websocketpp::detail
