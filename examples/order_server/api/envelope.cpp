// SPDX-License-Identifier: MIT
#include "api/envelope.hpp"

#include <ordercast/net/response_writer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;
using ordercast::net::reason_phrase;

ordered_json problem_body(int status, std::string_view error, std::string_view message) {
  return {{"success", false}, {"error", error}, {"message", message}, {"statusCode", status}};
}

}  // namespace

HttpResponse json_response(int status, const ordered_json& body) {
  return {status,
          {{"Content-Type", "application/json; charset=utf-8"}},
          body.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

HttpResponse success(ordered_json data, int status) {
  ordered_json body;
  body["success"] = true;
  body["data"] = std::move(data);
  return json_response(status, body);
}

HttpResponse success_page(ordered_json data, const PageMeta& meta) {
  ordered_json body;
  body["success"] = true;
  body["data"] = std::move(data);
  const auto size = std::max<std::int64_t>(meta.page_size, 1);
  body["meta"] = {{"total", meta.total},
                  {"page", meta.page},
                  {"pageSize", meta.page_size},
                  {"totalPages", meta.total / size + (meta.total % size != 0 ? 1 : 0)},
                  {"nextCursor", meta.next_cursor.empty() ? ordered_json(nullptr)
                                                          : ordered_json(meta.next_cursor)}};
  return json_response(200, body);
}

HttpResponse problem(int status, std::string_view error, std::string_view message) {
  return json_response(status, problem_body(status, error, message));
}

HttpResponse problem(int status, std::string_view message) {
  // The API has kept the name that 422 had before RFC 9110.
  return problem(status, status == 422 ? "Unprocessable Entity" : reason_phrase(status), message);
}

HttpResponse problem(const Rejection& rejection) {
  return problem(rejection.status_code, rejection.error, rejection.message);
}

HttpResponse problem(const Rejection& rejection, ordered_json data) {
  auto body = problem_body(rejection.status_code, rejection.error, rejection.message);
  body["data"] = std::move(data);
  return json_response(rejection.status_code, body);
}

HttpResponse retry_later(int status, std::string_view message, std::chrono::seconds after) {
  HttpResponse response = problem(status, message);
  const auto seconds = std::max<std::chrono::seconds::rep>(after.count(), 1);
  response.headers.push_back({"Retry-After", std::to_string(seconds)});
  return response;
}

void transport_problem(HttpResponse& response, std::string_view message) {
  const auto body = problem_body(response.status, reason_phrase(response.status), message);
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace order_server
