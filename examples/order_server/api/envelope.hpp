// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include <ordercast/http.hpp>

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// The envelope of every API answer: `{"success":true,"data":...}` or
/// `{"success":false,"error":...,"message":...,"statusCode":N}`. Pure functions; any thread. Bytes
/// that are not UTF-8 become U+FFFD.
namespace order_server {

/// The `meta` of one page of a list.
struct PageMeta {
  std::int64_t total = 0;
  std::int64_t page = 1;
  std::int64_t page_size = 20;
  std::string next_cursor;  ///< "": there is no page after this one.
};

[[nodiscard]] ordercast::HttpResponse json_response(int status, const nlohmann::ordered_json& body);

[[nodiscard]] ordercast::HttpResponse success(nlohmann::ordered_json data, int status = 200);
[[nodiscard]] ordercast::HttpResponse success_page(nlohmann::ordered_json data,
                                                   const PageMeta& meta);

/// A refusal. `error` is short ("Not Found"), `message` a sentence for people.
[[nodiscard]] ordercast::HttpResponse problem(int status, std::string_view error,
                                              std::string_view message);

/// A refusal with the status' own short name.
[[nodiscard]] ordercast::HttpResponse problem(int status, std::string_view message);
[[nodiscard]] ordercast::HttpResponse problem(const Rejection& rejection);
/// The same with what there is instead as `data`.
[[nodiscard]] ordercast::HttpResponse problem(const Rejection& rejection,
                                              nlohmann::ordered_json data);

/// A refusal that says when to retry (429 and 503).
[[nodiscard]] ordercast::HttpResponse retry_later(int status, std::string_view message,
                                                  std::chrono::seconds after);

/// Puts an error that the transport answers by itself into the envelope; see
/// `ordercast::net::ErrorFormat`.
void transport_problem(ordercast::HttpResponse& response, std::string_view message);

}  // namespace order_server
