// SPDX-License-Identifier: MIT
#pragma once

#include "http.hpp"
#include "order.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace order_watch {

/// The result of a call to the server's REST API.
enum class Outcome : unsigned char {
  ok,
  unauthorized,  ///< The token or the password is wrong.
  refused,       ///< The server refuses; a retry would not help.
  failed,        ///< A temporary failure.
};

template <class T>
struct Answer {
  Outcome outcome = Outcome::failed;
  std::string why;  ///< An explanation for people.
  T value{};
};

struct Tokens {
  std::string access;
  std::string refresh;
};

/// Calls the server's REST API. Completions run on the event loop.
class Api {
 public:
  Api(HttpWorker& http, std::string base_url) : http_(http), base_url_(std::move(base_url)) {}

  void login(const std::string& email, const std::string& password,
             std::function<void(Answer<Tokens>)> done);
  /// Returns an access token only.
  void refresh(const std::string& refresh_token, std::function<void(Answer<Tokens>)> done);
  /// The newest orders that the user may see.
  void orders(const std::string& token, std::size_t most,
              std::function<void(Answer<std::vector<Order>>)> done);
  void order(const std::string& token, const std::string& id,
             std::function<void(Answer<Order>)> done);

 private:
  HttpWorker& http_;
  std::string base_url_;
};

}  // namespace order_watch
