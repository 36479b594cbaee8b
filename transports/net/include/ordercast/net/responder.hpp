// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>
#include <ordercast/net/response_writer.hpp>

#include <atomic>
#include <memory>
#include <utility>

/// The answer of an `HttpHandler`.
namespace ordercast::net {

namespace detail {

/// Delivers one answer: the first one, or 500 from the destructor if there was none.
template <class Deliver>
class OneAnswer {
 public:
  OneAnswer(Deliver deliver, ErrorFormat format) : deliver_(std::move(deliver)), format_(format) {}
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() {
    if (given_.load()) return;
    try {
      give(error_response(500, format_));
    } catch (...) {  // Out of memory: the request's timeout answers.
    }
  }

  void give(HttpResponse response) {
    if (!given_.exchange(true)) deliver_(std::move(response));
  }

 private:
  Deliver deliver_;
  ErrorFormat format_;
  std::atomic<bool> given_{false};
};

}  // namespace detail

/// Returns the responder of one request. The first answer goes to `deliver(HttpResponse)`, on the
/// thread that gives it; later ones are dropped. If all copies are destroyed without an answer,
/// `deliver` gets a 500. Any thread may use and destroy copies.
template <class Deliver>
[[nodiscard]] HttpResponder make_responder(Deliver deliver, ErrorFormat format = plain_error) {
  const auto answer = std::make_shared<detail::OneAnswer<Deliver>>(std::move(deliver), format);
  return [answer](HttpResponse response) { answer->give(std::move(response)); };
}

}  // namespace ordercast::net
