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

ordered_json refusal(int status, std::string_view error, std::string_view message) {
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
                  {"totalPages", meta.total / size + (meta.total % size != 0 ? 1 : 0)}};
  return json_response(200, body);
}

HttpResponse problem(int status, std::string_view error, std::string_view message) {
  return json_response(status, refusal(status, error, message));
}

HttpResponse problem(int status, std::string_view message) {
  return problem(status, status_name(status), message);
}

HttpResponse problem(const Rejection& rejection) {
  return problem(rejection.status_code, rejection.error, rejection.message);
}

HttpResponse problem(const Rejection& rejection, ordered_json data) {
  auto body = refusal(rejection.status_code, rejection.error, rejection.message);
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
  const auto body =
      refusal(response.status, ordercast::net::reason_phrase(response.status), message);
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string_view status_name(int status) noexcept {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

}  // namespace order_server
