// SPDX-License-Identifier: MIT
// What the log and the metrics say of requests, logins and closed connections.
#include "api/request_ids.hpp"
#include "api_fixture.hpp"
#include "process/log_fields.hpp"
#include "process/log_quota.hpp"
#include "process/log_sink.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace order_server;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// The process' log while it lives, as text.
class Log {
 public:
  explicit Log(LogFormat format = LogFormat::text, const char* level = "info") {
    REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    start_logging(level, ends_[1], format);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() {
    spdlog::set_default_logger(before_);
    ::close(ends_[0]);
  }
  std::string text() {
    flush_log(30s);
    std::string text(65'536, '\0');
    const auto size = ::read(ends_[0], text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::array<int, 2> ends_{-1, -1};
};

std::string trace_of(const std::string& traceparent) {
  return trace_id_of({"GET", "/", {{"traceparent", traceparent}}, {}, {}});
}

std::int64_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("a JSON log has an object on each line, with the fields of its thread", "[log]") {
  Log log(LogFormat::json_lines);
  {
    const LogField id("requestId", "a-1");
    const LogField none("traceId", "");
    const LogField status("status", 503);
    spdlog::warn("a \"quoted\" \\ path\nand a line");
  }
  spdlog::info("later");
  const auto text = log.text();
  REQUIRE(lines_of(text) == 2);
  const auto first = json::parse(text.substr(0, text.find('\n')));
  CHECK(first.at("level") == "warning");
  CHECK(first.at("message") == "a \"quoted\" \\ path\\x0Aand a line");
  CHECK(first.at("requestId") == "a-1");
  CHECK(first.at("status") == 503);
  CHECK_FALSE(first.contains("traceId"));
  CHECK_THAT(first.at("time").get<std::string>(), StartsWith("20"));
  const auto second = json::parse(text.substr(text.find('\n') + 1));
  CHECK(second.at("message") == "later");
  CHECK_FALSE(second.contains("requestId"));
}

TEST_CASE("a text log shows fields behind the message", "[log]") {
  Log log;
  const LogField id("requestId", "a-1");
  spdlog::info("stopped");
  CHECK_THAT(log.text(), Contains("info stopped requestId=a-1\n"));
}

TEST_CASE("a client's request id is answered if it is well formed, and replaced if not",
          "[api][log]") {
  ApiFixture api;
  const auto id_for = [&](const std::string& given) {
    std::vector<HttpHeader> headers;
    if (!given.empty()) headers.push_back({"X-Request-Id", given});
    return header_of(api.call_with_token("GET", "/api/v1/stores", "", "", headers), "X-Request-Id");
  };
  CHECK(id_for("proxy_7.a-B") == "proxy_7.a-B");
  const auto own = id_for("");
  CHECK(own.size() == 33);
  CHECK(id_for("") != own);
  for (const auto* bad : {"a b", "a\"b", "\xC3\xA9", "a/b"}) CHECK(id_for(bad).size() == 33);
  CHECK(id_for(std::string(65, 'a')).size() == 33);
  CHECK(id_for(std::string(64, 'a')).size() == 64);
}

TEST_CASE("only a valid traceparent names a trace", "[log]") {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string rest = "-00f067aa0ba902b7-01";
  CHECK(trace_of("00-" + trace + rest) == trace);
  CHECK(trace_of("01-" + trace + rest + "-later") == trace);
  for (const auto& bad :
       {"00-" + trace + rest + "-more", "ff-" + trace + rest, "00-" + std::string(32, '0') + rest,
        "00-" + trace + "-0000000000000000-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736" + rest,
        "0-" + trace + rest, "00_" + trace + rest, "01-" + trace + rest + "more", trace,
        std::string()}) {
    CAPTURE(bad);
    CHECK(trace_of(bad).empty());
  }
}

TEST_CASE("at debug each request is logged with its route, never with its target", "[api][log]") {
  ApiFixture api;
  Log log(LogFormat::json_lines, "debug");
  const auto response = api.call_with_token(
      "GET", "/api/v1/orders/secret-9?x=secret", api.token_of(api.manager), "",
      {{"X-Request-Id", "r1"},
       {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}});
  CHECK(response.status == 404);
  const auto text = log.text();
  CHECK_THAT(text, !Contains("secret"));
  CHECK(text.find("requestId") == text.rfind("requestId"));
  const auto line = json::parse(text.substr(0, text.find('\n')));
  CHECK(line.at("message") == "answered");
  CHECK(line.at("method") == "GET");
  CHECK(line.at("route") == "/api/v1/orders/:id");
  CHECK(line.at("status") == 404);
  CHECK(line.at("requestId") == "r1");
  CHECK(line.at("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(line.at("microseconds").is_number());
}

TEST_CASE("each route has a histogram, and whatever a client makes up shares one",
          "[api][metrics]") {
  ApiFixture api;
  const auto lines_before = lines_of(render_metrics(api.metrics, {}));
  static_cast<void>(api.call("GET", "/api/v1/orders/a", api.manager));
  static_cast<void>(api.call("GET", "/api/v1/orders/b", api.manager));
  static_cast<void>(api.call_anonymously("GET", "/api/v1/orders/c"));
  static_cast<void>(api.call_anonymously("GET", "/made-up-1"));
  static_cast<void>(api.call_anonymously("MADE-UP", "/made-up-2"));
  static_cast<void>(api.call_anonymously("MADE-UP", "/api/v1/orders"));
  const auto text = render_metrics(api.metrics, {});
  CHECK_THAT(text, Contains("ordercast_http_request_seconds_count{method=\"GET\",route=\"/api/v1/"
                            "orders/:id\"} 3\n"));
  CHECK_THAT(text, Contains("ordercast_http_request_seconds_count{method=\"other\",route=\"other\"}"
                            " 3\n"));
  CHECK(lines_of(text) == lines_before);
}

TEST_CASE("failed logins and a lock are logged without the e-mail, and a flood in a few lines",
          "[api][log]") {
  ApiFixture api;
  Log log;
  for (int i = 0; i < 10; ++i) {
    static_cast<void>(api.call_anonymously("POST", "/api/v1/auth/login",
                                           {{"email", api.customer.email}, {"password", "x"}}));
  }
  for (int i = 0; i < 200; ++i) {
    static_cast<void>(
        api.call_anonymously("POST", "/api/v1/auth/login",
                             {{"email", "nobody" + std::to_string(i % 20)}, {"password", "x"}}));
  }
  const auto text = log.text();
  CHECK_THAT(text, Contains("a login to user " + api.customer.id + " failed"));
  CHECK_THAT(text, Contains("user " + api.customer.id + " is locked for a minute"));
  CHECK_THAT(text, !Contains(api.customer.email) && !Contains("nobody"));
  CHECK(lines_of(text) <= 10);
  api.steady += 61s;
  static_cast<void>(
      api.call_anonymously("POST", "/api/v1/auth/login", {{"email", "late"}, {"password", "x"}}));
  CHECK_THAT(log.text(), Contains("an unknown account failed; 205 more since the last such line"));
}

TEST_CASE("closes of slow and of misbehaving clients are counted by code and logged a few times",
          "[metrics][log]") {
  Log log;
  Metrics metrics;
  MetricsObserver observer(metrics);
  for (int i = 0; i < 1000; ++i)
    observer.on_closed_by_server(ordercast::CloseCode::policy_violation);
  observer.on_closed_by_server(ordercast::CloseCode::too_slow);
  observer.on_closed_by_server(ordercast::CloseCode::service_restart);
  const auto page = render_metrics(metrics, {});
  CHECK_THAT(page, Contains("ordercast_closed_by_server_total{code=\"1008\"} 1000\n"));
  CHECK_THAT(page, Contains("ordercast_closed_by_server_total{code=\"4009\"} 1\n"));
  CHECK_THAT(page, Contains("ordercast_closed_by_server_total{code=\"1012\"} 1\n"));
  const auto text = log.text();
  CHECK_THAT(text, Contains("closed a WebSocket with 1008: too many refused messages\n"));
  CHECK_THAT(text, Contains("closed a WebSocket with 4009: the client does not read\n"));
  CHECK(lines_of(text) <= 6);
}

TEST_CASE("a log quota lets a few lines of each window through and tells how many it held back",
          "[log]") {
  LogQuota quota(2, 60s);
  const LogQuota::TimePoint start{1h};
  CHECK(quota.admit(start) == 0);
  CHECK(quota.admit(start + 1s) == 0);
  CHECK_FALSE(quota.admit(start + 2s));
  CHECK_FALSE(quota.admit(start + 59s));
  CHECK(quota.admit(start + 60s) == 2);
  CHECK(quota.admit(start + 61s) == 0);
}
