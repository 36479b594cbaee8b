// SPDX-License-Identifier: MIT
// A server for load generators: the WebSocket contract and PATCH .../status, with no database, no
// ownership check and no limits. Environment: PORT, JWT_SECRET, TRANSPORT, THREADS, IO (how the
// asio transport sends: auto, uring, send), and HIGH_WATER_BYTES (what may be queued before it
// conflates).
#include "environment.hpp"
#include "order_text.hpp"
#include <ordercast/asio/transport.hpp>
#include <ordercast/auth/jwt_authenticator.hpp>
#include <ordercast/net/descriptor_limit.hpp>
#include <ordercast/net/server.hpp>
#include <ordercast/websocketpp/transport.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace): a program, not a header.
using bench::environment;
using bench::Json;

/// An order after a PATCH.
struct Changed {
  std::string owner;
  std::uint64_t version = 0;
  std::string json;
};

/// The orders, in memory. The first change creates an order. Thread-safe.
class Orders {
 public:
  /// Makes the next version and calls `publish` with it under the lock, so that versions are
  /// published in order.
  template <class Publish>
  Changed change(const std::string& id, const std::string& status, const std::string& note,
                 Publish&& publish) {
    const std::lock_guard<std::mutex> lock(mutex_);
    OrderSnapshot& order = orders_[id];
    const std::string owner = bench::order_owner(id);
    order.version = order.version == 0 ? 2 : order.version + 1;
    order.json = bench::order_text(id, status, note, order.version);
    publish(OrderEvent{id, OwnerId(owner), OrganizationId(bench::order_organization), status,
                       order.version, order.json});
    return {owner, order.version, order.json};
  }

  [[nodiscard]] std::optional<OrderSnapshot> find(std::string_view id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = orders_.find(std::string(id));
    if (found == orders_.end()) return std::nullopt;
    return found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, OrderSnapshot> orders_;
};

/// Everybody may watch everything: only fan-out is measured.
struct AllowAll {
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view /*order_id*/, Done done) const {
    done(true);
  }
};

struct OrderLookup {
  Orders* orders;
  template <class Done>
  void fetch(std::string_view order_id, Done done) const {
    done(orders->find(order_id));
  }
};

using BenchServices = Services<JwtAuthenticator, AllowAll, OrderLookup>;

HttpResponse failure(int status, const char* error, const std::string& message) {
  const Json body = {
      {"success", false}, {"error", error}, {"message", message}, {"statusCode", status}};
  return {status, {{"Content-Type", "application/json"}}, body.dump()};
}

/// Returns the order id of PATCH /api/v1/orders/:id/status; empty for any other request.
std::string changed_order(const HttpRequest& request) {
  constexpr std::string_view before = "/api/v1/orders/";
  constexpr std::string_view after = "/status";
  auto path = request.path();
  if (request.method != "PATCH" || path.size() <= before.size() + after.size()) return {};
  if (path.substr(0, before.size()) != before) return {};
  if (path.substr(path.size() - after.size()) != after) return {};
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return path.find('/') == std::string_view::npos ? percent_decode(path) : std::string{};
}

template <class Server>
HttpResponse answer(Orders& orders, Server& server, const JwtAuthenticator& authenticator,
                    const HttpRequest& request) {
  if (request.path() == "/healthz") return {200, {}, "ok\n"};
  const auto id = changed_order(request);
  if (id.empty() || id.size() > max_order_id_bytes) {
    return failure(404, "Not Found", "Only PATCH /api/v1/orders/:id/status and GET /healthz exist");
  }
  // A load generator may omit the token, but a token that is sent must be valid.
  const auto token = token_of(request);
  if (!token.empty() && std::holds_alternative<AuthFailure>(authenticator.authenticate(token))) {
    return failure(401, "Unauthorized", "Invalid token");
  }
  const auto body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("status") || !body["status"].is_string()) {
    return failure(400, "Bad Request", "The body is a JSON object with a string status");
  }
  const auto note = body.find("note");
  if (note != body.end() && !note->is_string() && !note->is_null()) {
    return failure(400, "Bad Request", "The note must be a string");
  }
  const bool noted = note != body.end() && note->is_string();
  const auto changed = orders.change(id, body["status"].get<std::string>(),
                                     noted ? note->get<std::string>() : std::string{},
                                     [&](const OrderEvent& event) { server.publish(event); });
  return {200,
          {{"Content-Type", "application/json"}},
          R"({"success":true,"data":)" + changed.json + "}"};
}

template <class Number = std::uint16_t>
Number number(const char* name, const char* otherwise) {
  const auto text = environment(name, otherwise);
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(std::string(name) + " must be an integer from 0 to " +
                                std::to_string(std::numeric_limits<Number>::max()) + ", not '" +
                                text + "'");
  }
  return value;
}

Limits no_limits() {
  Limits limits;
  limits.max_subscriptions = 0;
  limits.max_connections_per_user = 0;
  limits.messages_per_second = 0;
  limits.abuse_threshold = 0;
  return limits;
}

net::IoMode io_mode() {
  const auto name = environment("IO", "auto");
  if (name == "auto") return net::IoMode::automatic;
  if (name == "uring") return net::IoMode::uring;
  if (name == "send") return net::IoMode::send;
  throw std::invalid_argument("IO must be auto, uring or send, not '" + name + "'");
}

template <class Transport>
int serve() {
  using Server = net::Server<Transport, BenchServices>;
  const auto secret = environment("JWT_SECRET", "");
  if (secret.empty()) throw std::invalid_argument("JWT_SECRET must be set");
  JwtOptions jwt;
  jwt.keys = {{"", JwtAlgorithm::hs256, secret, true}};
  jwt.roles = {{"CUSTOMER", Reach::own}, {"SUPER_ADMIN", Reach::everything}};
  jwt.allow_short_secret = true;
  jwt.max_cached_tokens = 1'000;  // The same as order_server.
  const JwtAuthenticator authenticator(jwt);

  Orders orders;
  net::raise_descriptor_limit(1'048'576);
  net::ServerOptions options;
  options.port = number("PORT", "7001");
  options.threads = number("THREADS", "1");
  options.limits = no_limits();
  options.accept.max_handshakes = 0;
  options.transport.io = io_mode();
  // Deliver a burst that a reader keeps up with change by change, without conflation.
  if (environment("HIGH_WATER_BYTES", "") != "default") {
    options.transport.high_water_bytes = number<std::size_t>("HIGH_WATER_BYTES", "4194304");
    options.transport.low_water_bytes = options.transport.high_water_bytes / 4;
  }
  if (!environment("KERNEL_UNSENT_BYTES", "").empty()) {
    options.accept.max_kernel_unsent_bytes = number<std::size_t>("KERNEL_UNSENT_BYTES", "0");
  }
  Server server(options, [&](const auto& /*post*/) {
    return BenchServices{authenticator, {}, {&orders}, {}, {}};
  });
  server.set_http_handler([&](const HttpRequest& request, const HttpResponder& respond) {
    respond(answer(orders, server, authenticator, request));
  });

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([&server, signals] {
    int received = 0;
    sigwait(&signals, &received);
    server.stop();
  }).detach();

  bench::print_address(server.listen());
  server.run();
  return 0;
}

}  // namespace

int main() {
  try {
    const auto transport = environment("TRANSPORT", "websocketpp");
    if (transport == "websocketpp") return serve<ordercast::websocketpp::Transport>();
    if (transport == "asio") return serve<ordercast::asio::Transport>();
    throw std::invalid_argument("TRANSPORT must be websocketpp or asio, not '" + transport + "'");
  } catch (const std::exception& error) {
    std::cerr << "fanout_server: " << error.what() << '\n';
    return 1;
  }
}
