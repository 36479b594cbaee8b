// SPDX-License-Identifier: MIT
#include <ordercast/client/order_client.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// Runs tests/vectors, which the client in TypeScript runs too.
namespace {

using nlohmann::json;
using namespace ordercast;          // NOLINT(google-build-using-namespace): every test names
using namespace ordercast::client;  // NOLINT(google-build-using-namespace): its types.

json vectors(const std::string& name) {
  std::ifstream file(ORDERCAST_VECTORS "/" + name + ".json");
  REQUIRE(file);
  return json::parse(file);
}

// ---- Codec -------------------------------------------------------------------------------------

ClientMessage client_message(const json& message) {
  if (message["type"] == "ping") return Ping{};
  if (message["type"] == "presence") return Presence{message["visible"].get<bool>()};
  const std::string order_id = message["orderId"];
  if (message["type"] == "unsubscribe") return Unsubscribe{order_id};
  REQUIRE(message["type"] == "subscribe");
  Subscribe subscribe{order_id, std::nullopt};
  if (message.contains("epoch")) subscribe.epoch = message["epoch"].get<std::string>();
  if (message.contains("since")) subscribe.since = message["since"].get<std::uint64_t>();
  return subscribe;
}

struct AsJson {
  json operator()(const Pong& /*pong*/) const { return {{"type", "pong"}}; }
  json operator()(const ServerHello& hello) const {
    return {{"type", "hello"}, {"epoch", hello.epoch}, {"node", hello.node}};
  }
  json operator()(const OrderUpdate& order) const {
    return {{"type", "order:updated"},
            {"orderId", order.order_id},
            {"version", order.version},
            {"data", json::parse(order.json)}};
  }
  json operator()(const OrderHint& hint) const {
    return {{"type", "orders:changed"}, {"orderId", hint.order_id}, {"status", hint.status}};
  }
  json operator()(const ServerError& error) const {
    return {{"type", "error"},
            {"code", error.code},
            {"message", error.message},
            {"orderId", error.order_id}};
  }
  json operator()(Undecoded undecoded) const {
    return {{"type", undecoded == Undecoded::unknown ? "unknown" : "invalid"}};
  }
};

// ---- State machine -----------------------------------------------------------------------------

TimePoint at(std::int64_t milliseconds) {
  return TimePoint(std::chrono::milliseconds(milliseconds));
}
std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

struct AsOutput {
  json operator()(const Connect& e) const {
    return {{"connect", {{"connection", e.connection}, {"token", e.token}}}};
  }
  json operator()(const Send& e) const {
    return {{"send", {{"connection", e.connection}, {"message", json::parse(e.text)}}}};
  }
  json operator()(const Close& e) const {
    return {{"close", {{"connection", e.connection}, {"code", e.code}}}};
  }
  json operator()(const NeedToken& e) const {
    constexpr const char* names[] = {"missing", "rejected", "expiring"};
    return {{"need_token", {{"reason", names[static_cast<std::size_t>(e.reason)]}}}};
  }
  json operator()(const StateChanged& e) const {
    json out = {{"state", to_string(e.state)}};
    if (e.state == State::waiting) out["retryAt"] = milliseconds(e.retry_at);
    return out;
  }
  json operator()(const OrderUpdate& e) const {
    return {{"order",
             {{"orderId", e.order_id}, {"version", e.version}, {"data", json::parse(e.json)}}}};
  }
  json operator()(const OrderHint& e) const {
    return {{"changed", {{"orderId", e.order_id}, {"status", e.status}}}};
  }
  json operator()(const ServerError& e) const {
    return {{"error", {{"code", e.code}, {"message", e.message}, {"orderId", e.order_id}}}};
  }
  json operator()(const EpochChanged& e) const { return {{"epoch", {{"epoch", e.epoch}}}}; }
  json operator()(const Poll& e) const {
    const auto* reason = e.reason == Poll::Reason::opened ? "opened" : "fallback";
    return {{"poll", {{"reason", reason}}}};
  }
  json operator()(const Ignored& e) const {
    constexpr const char* names[] = {"stale", "unsubscribed", "unknown", "invalid"};
    return {{"ignored", {{"reason", names[static_cast<std::size_t>(e.reason)]}}}};
  }
};

/// Feeds one input by its name in the vectors.
Effects feed(OrderClient& client, TimePoint now, const std::string& name, const json& in) {
  const auto connection = [&] { return in["connection"].get<ConnectionId>(); };
  const auto text = [&](const char* field) { return in[field].get<std::string>(); };
  const auto renew_at = [&]() -> std::optional<TimePoint> {
    if (!in.contains("renewAt")) return std::nullopt;
    return at(in["renewAt"].get<std::int64_t>());
  };
  if (name == "start") return client.start(now, in.value("token", ""), renew_at());
  if (name == "stop") return client.stop();
  if (name == "token") return client.on_token(now, text("token"), renew_at());
  if (name == "token_failed") return client.on_token_failed(now);
  if (name == "token_refused") return client.on_token_refused(now);
  if (name == "opened") {
    return client.on_opened(now, connection(), in.value("isSecondVersion", false));
  }
  if (name == "message") return client.on_message(now, connection(), text("text"));
  if (name == "closed") return client.on_closed(now, connection(), in["code"], text("reason"));
  if (name == "timer") return client.on_timer(now);
  if (name == "presence") return client.on_presence(in["visible"].get<bool>());
  if (name == "wake") return client.on_wake(now);
  if (name == "subscribe") return client.subscribe(text("orderId"), in["version"]);
  if (name == "unsubscribe") return client.unsubscribe(text("orderId"));
  REQUIRE(name == "fetched");
  return client.on_fetched(text("orderId"), in["data"]["version"], in["data"].dump());
}

Options options_of(const json& values) {
  const auto ms = [&](const char* name) { return Milliseconds(values[name].get<std::int64_t>()); };
  Options options;
  options.backoff = {ms("base_ms"), ms("max_ms"), ms("max_retry_after_ms")};
  options.connect_timeout = ms("connect_timeout_ms");
  options.token_timeout = ms("token_timeout_ms");
  options.ping_interval = ms("ping_interval_ms");
  options.pong_timeout = ms("pong_timeout_ms");
  options.probe_timeout = ms("probe_timeout_ms");
  options.late = ms("late_ms");
  options.stable = ms("stable_ms");
  options.wake_floor = ms("wake_floor_ms");
  options.poll_interval = ms("poll_interval_ms");
  options.resync = ms("resync_ms");
  options.max_subscriptions = values["max_subscriptions"];
  options.max_remembered = values["max_remembered"];
  return options;
}

json defaults_as_json() {
  const Options o;
  return {{"base_ms", o.backoff.base.count()},
          {"max_ms", o.backoff.max.count()},
          {"connect_timeout_ms", o.connect_timeout.count()},
          {"token_timeout_ms", o.token_timeout.count()},
          {"ping_interval_ms", o.ping_interval.count()},
          {"pong_timeout_ms", o.pong_timeout.count()},
          {"probe_timeout_ms", o.probe_timeout.count()},
          {"stable_ms", o.stable.count()},
          {"late_ms", o.late.count()},
          {"wake_floor_ms", o.wake_floor.count()},
          {"poll_interval_ms", o.poll_interval.count()},
          {"resync_ms", o.resync.count()},
          {"max_retry_after_ms", o.backoff.max_retry_after.count()},
          {"max_subscriptions", o.max_subscriptions},
          {"max_remembered", o.max_remembered}};
}

void run_trace(const json& trace, json values) {
  values.update(trace["options"]);
  const auto draws = trace["draws"].get<std::vector<double>>();
  std::size_t drawn = 0;
  OrderClient client(options_of(values), [&] {
    REQUIRE(drawn < draws.size());
    return draws[drawn++];
  });
  for (const auto& step : trace["steps"]) {
    INFO(trace["name"] << " " << step.dump());
    const auto input = step["in"].begin();
    json out = json::array();
    for (const auto& effect :
         feed(client, at(step["at"].get<std::int64_t>()), input.key(), input.value())) {
      out.push_back(std::visit(AsOutput{}, effect));
    }
    CHECK(out == step["out"]);
    CHECK(to_string(client.state()) == step["state"].get<std::string>());
    const auto deadline = client.deadline();
    CHECK((deadline ? json(milliseconds(*deadline)) : json()) == step["timer"]);
  }
  INFO(trace["name"]);
  CHECK(drawn == draws.size());
}

}  // namespace

TEST_CASE("a client's messages are written as the shared vectors have them", "[client][vectors]") {
  const auto all = vectors("codec")["encode"];
  for (const auto& vector : all) {
    INFO(vector.dump());
    const auto message = client_message(vector["message"]);
    const auto text = client::encode(message);
    CHECK(json::parse(text) == json::parse(vector["text"].get<std::string>()));
    // And the server reads it.
    CHECK(std::holds_alternative<ClientMessage>(ordercast::decode(text)));
  }
}

TEST_CASE("a server's texts are read as the shared vectors have them", "[client][vectors]") {
  const auto all = vectors("codec")["decode"];
  CHECK(all.size() > 60);
  for (const auto& vector : all) {
    INFO(vector.dump());
    const auto incoming = client::decode(vector["text"].get<std::string>());
    CHECK(std::visit(AsJson{}, incoming) == vector["is"]);
  }
}

TEST_CASE("delays are those of the shared vectors", "[client][vectors]") {
  const auto file = vectors("backoff");
  for (const auto& vector : file["delays"]) {
    auto values = file["defaults"];
    values.update(vector["options"]);
    const auto ms = [&](const char* name) {
      return Milliseconds(values[name].get<std::int64_t>());
    };
    Backoff backoff({ms("base_ms"), ms("max_ms"), ms("max_retry_after_ms")});
    for (const auto& step : vector["steps"]) {
      INFO(vector["name"] << " " << step.dump());
      if (step.contains("reset")) {
        backoff.reset();
        continue;
      }
      std::optional<Milliseconds> asked;
      if (step.contains("retry_after")) asked = Milliseconds(step["retry_after"]);
      const auto pace = step.value("slow", false) ? Pace::slow : Pace::normal;
      CHECK(backoff.next(step["draw"], pace, asked).count() == step["delay"].get<std::int64_t>());
    }
  }
}

TEST_CASE("a close asks for the time that the shared vectors have", "[client][vectors]") {
  const auto all = vectors("backoff")["retry_after"];
  for (const auto& vector : all) {
    INFO(vector.dump());
    const auto asked = retry_after(vector["code"], vector["reason"].get<std::string>(),
                                   BackoffOptions{}.max_retry_after);
    CHECK((asked ? json(asked->count()) : json()) == vector["retry_after"]);
  }
}

TEST_CASE("the client's defaults are those of the shared vectors", "[client][vectors]") {
  CHECK(defaults_as_json() == vectors("state_machine")["defaults"]);
}

TEST_CASE("the client goes through the shared traces", "[client][vectors]") {
  const auto file = vectors("state_machine");
  CHECK(file["traces"].size() > 30);
  for (const auto& trace : file["traces"]) run_trace(trace, file["defaults"]);
}
