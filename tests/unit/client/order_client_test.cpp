// SPDX-License-Identifier: MIT
#include <ordercast/client/order_client.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <variant>
#include <vector>

/// Promises that hold for any sequence of events, which the shared vectors can't express.
namespace {

using namespace ordercast;          // NOLINT(google-build-using-namespace): every test names
using namespace ordercast::client;  // NOLINT(google-build-using-namespace): its types.

std::string updated(const std::string& order_id, std::uint64_t version) {
  return R"({"type":"order:updated","orderId":")" + order_id + R"(","data":{"version":)" +
         std::to_string(version) + "}}";
}

/// An application and a network that do anything at any time, and the promises that must hold.
class Chaos {
 public:
  explicit Chaos(std::uint32_t seed)
      : random_(seed),
        client_(options(), [this] { return static_cast<double>(random_() % 1000) / 1000; }) {}

  void step() {
    now_ += Milliseconds(pick(3) == 0 ? pick(40'000) : pick(300));
    // Mostly the live connection; sometimes one that is gone or never was.
    const ConnectionId connection = pick(5) == 0 ? pick(20) : live_;
    const auto order = "o-" + std::to_string(pick(6));
    switch (pick(17)) {
      case 16:
        return run(client_.on_presence(pick(2) == 0));
      case 0:
        return run(client_.start(now_, pick(2) == 0 ? "" : "token", soon()));
      case 1:
        if (pick(4) != 0) return;
        run(client_.stop());
        return;
      case 2:
        return subscribe(order);
      case 3:
        return run(client_.unsubscribe(order));
      case 4:
        return run(client_.on_token(now_, "token-" + std::to_string(pick(3)), soon()));
      case 5:
        return run(pick(2) == 0 ? client_.on_token_failed(now_) : client_.on_token_refused(now_));
      case 6:
      case 7:
        return run(client_.on_opened(now_, connection));
      case 8:
      case 9:
        return run(client_.on_message(now_, connection, updated(order, pick(50))));
      case 10:
        return run(client_.on_message(now_, connection, noise()));
      case 11:
        if (connection == live_) live_ = 0;
        return run(client_.on_closed(now_, connection, close_code(), "retry-after-ms=3000"));
      case 12:
        return run(client_.on_wake(now_));
      case 13:
        return run(client_.on_fetched(order, pick(50), "{}"));
      default:
        return run(client_.on_timer(now_));
    }
  }

  /// The application's versions never go back: not on a connection, not over a hundred of them.
  void check() {
    CHECK(client_.subscriptions() <= options().max_subscriptions);
    CHECK(client_.remembered() <= options().max_remembered);
    const auto deadline = client_.deadline();
    const bool is_at_rest = client_.state() == State::idle || client_.state() == State::refused;
    CHECK(is_at_rest == !deadline);
    CHECK((client_.state() == State::waiting) == client_.retry_at().has_value());
    if (deadline) CHECK(*deadline <= now_ + std::chrono::minutes(5));
  }

  /// Once the server works again and time passes, every client has the newest version.
  void recover() {
    run(client_.start(now_, "token"));
    if (client_.state() == State::refused) run(client_.on_token(now_, "good"));
    for (int i = 0; i < 50 && client_.state() != State::open; ++i) {
      if (client_.deadline()) now_ = std::max(now_, *client_.deadline());
      run(client_.on_timer(now_));
      run(client_.on_token(now_, "good"));
      run(client_.on_opened(now_, live_));
      run(client_.on_message(now_, live_, R"({"type":"pong"})"));
    }
    CHECK(client_.state() == State::open);
  }

 private:
  static Options options() {
    Options options;
    options.max_subscriptions = 4;
    options.max_remembered = 100;
    return options;
  }

  std::optional<TimePoint> soon() {
    if (pick(2) == 0) return std::nullopt;
    return now_ + Milliseconds(pick(20'000));
  }
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::uint16_t close_code() {
    constexpr std::uint16_t codes[] = {1000, 1001, 1006, 1008, 1012, 4001, 4008, 4009};
    return codes[pick(8)];
  }
  std::string noise() {
    const std::vector<std::string> texts = {
        "",
        "{",
        R"({"type":"pong"})",
        R"({"type":"orders:changed","orderId":"o-1","status":"READY"})",
        R"({"type":"error","code":"rate_limited"})",
        R"({"type":"error","code":"subscription_denied","orderId":"o-2"})",
        R"({"type":"error","code":"unavailable","orderId":"o-3"})",
        R"({"type":"hello","epoch":"one","node":"a"})",
        R"({"type":"future"})"};
    return texts[pick(texts.size())];
  }

  void subscribe(const std::string& order) {
    const auto before = client_.subscriptions();
    run(client_.subscribe(order));
    // A new one may get again what was seen before, but nothing older.
    if (client_.subscriptions() > before) may_repeat_.insert(order);
  }

  void run(const Effects& effects) {
    CHECK(effects.size() <= options().max_subscriptions + 8);
    for (const auto& effect : effects) {
      if (const auto* connect = std::get_if<Connect>(&effect)) {
        CHECK(live_ == 0);  // One socket at a time.
        CHECK_FALSE(connect->token.empty());
        live_ = connect->connection;
      } else if (const auto* close = std::get_if<Close>(&effect)) {
        CHECK(close->connection == live_);
        live_ = 0;
      } else if (const auto* send = std::get_if<Send>(&effect)) {
        CHECK(send->connection == live_);
      } else if (const auto* order = std::get_if<OrderUpdate>(&effect)) {
        const auto seen = versions_[order->order_id];
        const bool is_repeat = may_repeat_.erase(order->order_id) > 0 && order->version == seen;
        CHECK((order->version > seen || is_repeat));
        versions_[order->order_id] = order->version;
      }
    }
  }

  std::mt19937 random_;
  OrderClient client_;
  TimePoint now_{};
  ConnectionId live_ = 0;
  std::set<std::string> may_repeat_;
  std::map<std::string, std::uint64_t> versions_;
};

}  // namespace

TEST_CASE("whatever comes, versions never go back, memory is bounded and it recovers", "[client]") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Chaos chaos(seed);
    for (int i = 0; i < 400; ++i) {
      chaos.step();
      chaos.check();
    }
    chaos.recover();
  }
}

TEST_CASE("an order's JSON reaches the application as it came", "[client][codec]") {
  const std::string data = "{ \"a\" : \"\xC3\xA9\\u00e9}\" ,\n \"version\" : 3 , \"b\": [ {} ] }";
  const auto incoming = client::decode(R"({ "data" : )" + data +
                                       R"( , "orderId":"a","type":"order:updated","x":{} })");
  CHECK(std::get<OrderUpdate>(incoming).json == data);
}

TEST_CASE("a server's message is bounded in size and depth", "[client][codec]") {
  const auto padded = [](std::size_t size) {
    std::string text = R"({"type":"pong"})";
    return text.append(size - text.size(), ' ');
  };
  CHECK(std::holds_alternative<Pong>(client::decode(padded(1024 * 1024))));
  CHECK(std::get<Undecoded>(client::decode(padded(1024 * 1024 + 1))) == Undecoded::invalid);

  const auto nested = [](std::size_t depth) {  // The outermost object is one level.
    return R"({"type":"pong","x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
           "}";
  };
  CHECK(std::holds_alternative<Pong>(client::decode(nested(64))));
  CHECK(std::get<Undecoded>(client::decode(nested(65))) == Undecoded::invalid);
  CHECK(std::get<Undecoded>(client::decode(nested(300'000))) == Undecoded::invalid);
}

TEST_CASE("no mutation of a server's message makes decoding throw or cut wrongly",
          "[client][codec]") {
  const std::vector<std::string> good = {
      R"({"type":"order:updated","orderId":"o-1","data":{"id":"o-1","version":7,"items":[{"n":"M\u00e9"}]}})",
      R"({"type":"error","code":"bad_message","message":"no","orderId":"o-1"})",
      R"({"type":"orders:changed","orderId":"o-1","status":"READY"})"};
  std::mt19937 random(7);
  std::size_t orders = 0;
  for (int i = 0; i < 30'000; ++i) {
    auto text = good[random() % good.size()];
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      const auto where = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[where] = static_cast<char>(random());
          break;
        case 1:
          text[where] = R"({}[]",:0e.\-)"[random() % 12];
          break;
        case 2:
          text.erase(where, 1 + random() % 4);
          break;
        default:
          text.insert(where, text.substr(random() % text.size(), random() % 12));
      }
      if (text.empty()) text = " ";
    }
    const auto incoming = client::decode(text);
    if (const auto* order = std::get_if<OrderUpdate>(&incoming)) {
      ++orders;
      const auto data = nlohmann::json::parse(order->json);
      CHECK(data.is_object());
      CHECK(data["version"].get<double>() == static_cast<double>(order->version));
    }
  }
  CHECK(orders > 300);  // Else it has shown nothing.
}

TEST_CASE("a text beyond UTF-8 is sent as UTF-8", "[client][codec]") {
  CHECK(client::encode(Unsubscribe{"a\xFF"}) ==
        "{\"type\":\"unsubscribe\",\"orderId\":\"a\xEF\xBF\xBD\"}");
}

TEST_CASE("with the default options a hung socket is found in under 40 s", "[client]") {
  const Options options;
  CHECK(options.ping_interval + options.pong_timeout < std::chrono::seconds(40));
}

TEST_CASE("inputs may come from within the handling of an effect", "[client]") {
  OrderClient client({}, [] { return 0.0; });
  const TimePoint now{};
  (void)client.start(now, "token");
  (void)client.on_opened(now, 1);
  const auto effects = client.on_message(now, 1, R"({"type":"pong"})");
  std::size_t sent = 0;
  for (const auto& effect : effects) {
    if (!std::holds_alternative<StateChanged>(effect)) continue;
    for (const auto& nested : client.subscribe("o-1")) {
      sent += std::holds_alternative<Send>(nested) ? 1U : 0U;
    }
  }
  CHECK(sent == 1);
  CHECK(effects.size() == 2);  // The list is the caller's own.
}
