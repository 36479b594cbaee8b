// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>
#include <ordercast/net/response_writer.hpp>

#include <atomic>
#include <memory>
#include <utility>

/// The answer that an `HttpHandler` owes.
namespace ordercast::net {

namespace detail {

/// Delivers one answer: the first that is given, or 500 if there is none when it goes.
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
    } catch (...) {  // Out of memory: the request's deadline answers.
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
/// thread that gives it; later ones are dropped. When all copies are gone without an answer,
/// `deliver` gets a 500. The copies may be used and destroyed on any threads.
template <class Deliver>
[[nodiscard]] HttpResponder make_responder(Deliver deliver, ErrorFormat format = plain_error) {
  const auto answer = std::make_shared<detail::OneAnswer<Deliver>>(std::move(deliver), format);
  return [answer](HttpResponse response) { answer->give(std::move(response)); };
}

}  // namespace ordercast::net
