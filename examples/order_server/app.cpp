// SPDX-License-Identifier: MIT
#include "app.hpp"

#include "api/api.hpp"
#include "api/shared_page.hpp"
#include "domain/ids.hpp"
#include "payments/razorpay.hpp"
#include "process/crash_report.hpp"
#include "push/fcm_sender.hpp"
#include "push/log_sender.hpp"
#include "push/push_worker.hpp"
#include "realtime/dispatcher.hpp"
#include "realtime/order_lookup.hpp"
#include "realtime/server.hpp"
#include "realtime/services.hpp"
#include "secrets.hpp"
#include "store/demo_start.hpp"
#include "store/sqlite_store.hpp"
#include "workers/memory_watch.hpp"
#include "workers/store_health.hpp"
#include "workers/wall_clock.hpp"
#include "workers/watchdog.hpp"
#include "workers/worker_pool.hpp"
#include <ordercast/net/client_address.hpp>
#include <ordercast/net/descriptor_limit.hpp>
#include <ordercast/net/tls.hpp>

#include <spdlog/spdlog.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace order_server {
namespace {

using ordercast::net::AcceptLimits;
using ordercast::net::ServerOptions;
using ordercast::net::TlsContext;

/// A login takes a tenth of a second, so more than these would wait longer than anybody does.
constexpr std::size_t login_queue = 128;
constexpr std::size_t ops_queue = 16;
/// Each may wait for the payment provider, so there are a few of them.
constexpr std::size_t payment_threads = 4;
constexpr std::size_t payment_queue = 256;
constexpr std::size_t webhook_queue = 256;

/// How often parts are asked for a sign of life, and the database whether it answers.
constexpr std::chrono::milliseconds watch_interval{1'000};
/// How long a part may stand still. The database may keep a statement waiting for five seconds, a
/// round of the dispatcher or of push has a few, and a call of the payment provider takes up to 15.
constexpr std::chrono::milliseconds io_limit{10'000};
constexpr std::chrono::milliseconds database_limit{10'000};
constexpr std::chrono::milliseconds dispatcher_limit{15'000};
constexpr std::chrono::milliseconds push_limit{60'000};
constexpr std::chrono::milliseconds worker_limit{60'000};
/// /metrics is rendered at most so often, for all who ask meanwhile.
constexpr std::chrono::milliseconds metrics_interval{50};
constexpr std::size_t most_metrics_waiting = 1024;
/// Clients that come back after a restart subscribe all at once, to what they watched before. A
/// refused look-up is a refused subscription, so this is far above what API requests get; about
/// 300 bytes each.
constexpr std::size_t lookup_queue = 262'144;

/// As many as a process may usually have; the hard limit may be lower.
constexpr std::size_t wanted_descriptors = 1'048'576;

/// Short against the time that a crowd takes to come and go.
constexpr std::chrono::milliseconds memory_check{250};

/// I/O threads answer in microseconds, unless the server has just ended.
constexpr std::chrono::seconds disconnect_timeout{5};

void log_escaped(const std::exception_ptr& escaped) {
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    spdlog::error("I/O thread: {}", error.what());
  } catch (...) {
    spdlog::error("I/O thread: unknown exception");
  }
}

/// Each hash keeps a core busy and 64 MiB of memory; half of the cores stay for everything else.
unsigned login_threads() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1U, 8U);
}

SqliteOptions store_options(const Config& config) {
  SqliteOptions options;
  options.file = config.db;
  options.exclusive = true;
  // Readers for the API and for subscriptions, logins, metrics, webhooks, health, the dispatcher
  // and push.
  options.readers = 2 * config.db_readers + 5 + login_threads();
  return options;
}

TokenOptions token_options(const Config& config, Store& store) {
  TokenOptions options;
  options.secret = signing_secret(config.jwt_secret, config.db,
                                  store.is_demo() && listens_on_loopback(config.host));
  options.access_lifetime = config.access_token;
  options.refresh_lifetime = config.refresh_token;
  return options;
}

ordercast::net::AddressList trusted_proxies(const Config& config) {
  ordercast::net::AddressList list;
  for (const auto& proxy : config.trusted_proxies) list.add(proxy);
  return list;
}

Site site_of(const Config& config) {
  return {config.tls_certificate.empty() ? "http" : "https", is_loopback_host(config.host),
          trusted_proxies(config)};
}

WriteRules write_rules(const Config& config) {
  WriteRules rules;
  rules.customers = {config.writes_per_second, config.writes_per_second * 10};
  rules.staff = {config.staff_writes_per_second, config.staff_writes_per_second * 4};
  return rules;
}

AcceptLimits accept_limits(const Config& config) {
  AcceptLimits limits;
  limits.max_connections = config.max_connections;
  limits.max_handshakes = config.max_handshakes;
  limits.max_per_address = config.max_connections_per_address;
  limits.exempt = [trusted = trusted_proxies(config)](const asio::ip::address& address) {
    const ordercast::net::ClientAddress client(address);
    return client.is_loopback() || trusted.contains(client);
  };
  return limits;
}

std::shared_ptr<TlsContext> tls_context(const Config& config) {
  if (config.tls_certificate.empty()) return nullptr;
  return std::make_shared<TlsContext>(config.tls_certificate, config.tls_key);
}

ServerOptions server_options(const Config& config, std::shared_ptr<TlsContext> tls) {
  ServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.threads = config.threads;
  options.accept = accept_limits(config);
  options.transport.handshake_timeout = config.handshake_timeout;
  options.transport.keep_alive_timeout = config.keep_alive_timeout;
  options.transport.max_head_bytes = config.max_head_bytes;
  options.transport.max_message_bytes = config.max_message_bytes;
  options.transport.max_body_bytes = config.max_body_bytes;
  options.transport.io = config.io;
  options.transport.on_error = log_escaped;
  options.transport.tls = std::move(tls);
  options.limits.max_connections_per_user = config.max_connections_per_user;
  options.limits.max_subscriptions = config.max_subscriptions;
  options.limits.messages_per_second = config.messages_per_second;
  options.limits.message_burst = config.message_burst;
  options.limits.ping_interval = config.ping_interval;
  options.limits.ping_jitter = std::min(options.limits.ping_jitter, options.limits.ping_interval);
  options.limits.pong_timeout = config.pong_timeout;
  options.limits.write_stall_timeout = config.write_stall_timeout;
  options.limits.abuse_threshold = config.abuse_threshold;
  return options;
}

HttpClientOptions outbound_options(const Config& config) {
  HttpClientOptions options;
  options.ca_file = config.ca_file;
  return options;
}

/// A secret that was made up pays nothing but on demo data.
PaymentMode payment_mode(const Config& config, bool is_demo) {
  if (!config.has_test_payments) return PaymentMode::live;
  return is_demo ? PaymentMode::test : PaymentMode::off;
}

PaymentSetup payment_setup(const Config& config, PaymentMode mode) {
  RazorpayOptions options;
  options.base_url = config.razorpay_base_url;
  options.key_id = config.razorpay_key_id;
  options.key_secret = config.razorpay_key_secret;
  options.http = outbound_options(config);
  return {config.razorpay_key_id, config.razorpay_webhook_secret, mode,
          [razorpay = std::make_shared<Razorpay>(std::move(options))](const Order& order) {
            // Without an account there, an order that was made before is given a made-up one.
            return razorpay->has_account() ? razorpay->create_order(order)
                                           : ProviderOrder{random_razorpay_order_id(), {}};
          }};
}

std::unique_ptr<PushSender> push_sender(const Config& config) {
  if (config.fcm_service_account.empty()) return std::make_unique<LogSender>();
  FcmOptions options;
  options.base_url = config.fcm_base_url;
  options.token_url = config.fcm_token_url;
  options.concurrency = config.push_concurrency;
  options.http = outbound_options(config);
  return std::make_unique<FcmSender>(load_service_account(config.fcm_service_account),
                                     std::move(options));
}

PushOptions push_options(const Config& config, Heartbeat& beat) {
  PushOptions options;
  options.policy = config.push;
  options.now_ms = &unix_ms;
  options.now = [] { return ordercast::SteadyClock{}.now(); };
  options.beat = [&beat] { beat.beat(ordercast::SteadyClock{}.now()); };
  return options;
}

RealtimeTransport transport_of(const Config& config) {
  return config.transport == Transport::asio ? asio_transport() : websocketpp_transport();
}

AddressRules address_rules(const Config& config) {
  AddressRules rules;
  rules.handshakes = {config.handshakes_per_second, config.handshakes_per_second * 10};
  rules.logins = {config.logins_per_second, config.logins_per_second * 10};
  rules.trusted_proxies = trusted_proxies(config);
  return rules;
}

void release_free_memory() noexcept {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

/// Of this process; 0 where the system does not tell.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

StaticFiles pages_of(const Config& config) {
  return config.web_root.empty() ? StaticFiles() : StaticFiles(config.web_root);
}

Routes main_routes(const Config& config, bool is_demo) {
  Routes routes = all_api_routes();
  const auto add = [&](const Routes& more) {
    routes.insert(routes.end(), more.begin(), more.end());
  };
  if (config.ops_port == 0) add(ops_routes());
  if (is_demo) add(demo_page_routes());
  if (is_demo && config.web_root.empty()) add(demo_home_routes());
  return routes;
}

}  // namespace

/// Everything in the order in which it can be made; it is taken apart in reverse, so nothing
/// outlives what it works with.
struct App::Parts {
  explicit Parts(const Config& config)
      : store(store_options(config)),
        is_demo(start_with_demo_data(store, hasher, config.demo_data, config.host, unix_ms())),
        tokens(token_options(config, store)),
        mode(payment_mode(config, is_demo)),
        context{store,
                store,
                tokens,
                hasher,
                login_limiter,
                metrics,
                mode == PaymentMode::off ? std::string() : config.razorpay_key_secret,
                hasher.hash(random_uuid()),
                &unix_ms,
                [] { return ordercast::SteadyClock{}.now(); },
                [this] {
                  dispatcher.wake();
                  push.wake();
                },
                [this](std::string user_id, std::string reason) {
                  return disconnect(std::move(user_id), {}, std::move(reason));
                },
                [this](std::string user_id, std::string session_id, std::string reason) {
                  return disconnect(std::move(user_id), std::move(session_id), std::move(reason));
                },
                [this] { return queue_depths(); },
                [this] { return store.push_stats(unix_ms()); },
                payment_setup(config, mode)},
        api(context, main_routes(config, is_demo), Cors(config.allowed_origins, site_of(config)),
            address_rules(config), submitter(), pages_of(config)),
        ops_api(context, ops_routes(), Cors(), {}, submitter()),
        tls(tls_context(config)),
        server(transport_of(config).make(server_options(config, tls),
                                         [this](const Post& post) {
                                           watch_io_thread(post);
                                           return RealtimeServices{
                                               tokens, StoreAuthorizer(lookup, post),
                                               StoreOrders(lookup, post), MetricsObserver(metrics)};
                                         })),
        dispatcher(
            store, metrics,
            [this](const ordercast::OrderEvent& event, Dispatcher::Done done) {
              server->publish(event, std::move(done));
            },
            dispatcher_options()),
        sender(push_sender(config)),
        push(
            store, *sender, metrics,
            [this](const std::string& user_id, bool ping,
                   std::function<void(std::optional<ordercast::TimePoint>)> done) {
              server->last_heard(user_id, ping, std::move(done));
            },
            push_options(config, push_beat)),
        lookups("lookup", config.db_readers, lookup_queue),
        lookup(store, lookups, metrics),
        readers("reader", config.db_readers, config.queue_limit),
        writer("writer", 1, config.queue_limit),
        logins("login", login_threads(), login_queue),
        payments("payment", payment_threads, payment_queue),
        webhooks("webhook", 1, webhook_queue),
        ops("ops", 1, ops_queue),
        memory("memory", 1, 4),
        health("health", 1, 1),
        watch("watch", 1, 1) {
    watch_parts();
    remember_ended_sessions();
    if (tls) api.promise_tls(config.hsts);
    api.answer_to({config.allowed_hosts, is_loopback_host(config.host)});
    ops_api.answer_to({config.allowed_hosts, is_loopback_host(config.host)});
    api.limit_writes(write_rules(config));
    server->set_epoch(store.epoch(), "");
    server->set_http_handler(
        [this](ordercast::HttpRequest request, const ordercast::HttpResponder& respond) {
          api.handle(std::move(request), respond);
        });
    server->set_handshake_filter(
        [this](const ordercast::HttpRequest& request) { return api.refuse_handshake(request); });
    if (config.ops_port != 0) make_ops_server(config);
    if (mode == PaymentMode::off) {
      spdlog::warn("no payment secret is set: ONLINE orders are refused, COD ones are taken");
    }
  }

  /// Not for an I/O thread: it waits for all of them.
  std::optional<std::size_t> disconnect(std::string user_id, std::string session_id,
                                        std::string reason) const {
    const auto closed = std::make_shared<std::promise<std::size_t>>();
    auto future = closed->get_future();
    const auto done = [closed](std::size_t count) { closed->set_value(count); };
    constexpr auto code = ordercast::CloseCode::unauthorized;
    if (session_id.empty()) {
      server->disconnect_user(std::move(user_id), code, std::move(reason), done);
    } else {
      server->disconnect_session(std::move(user_id), std::move(session_id), code, std::move(reason),
                                 done);
    }
    if (future.wait_for(disconnect_timeout) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  /// Access tokens of what ended before a restart may still be about.
  void remember_ended_sessions() {
    const std::chrono::milliseconds life(
        std::max<std::chrono::seconds>(2 * tokens.access_lifetime(), std::chrono::hours(24)));
    for (const auto& ended : store.sessions_ended_since(unix_ms() - life.count())) {
      tokens.revoke(ended.user_id, ended.id, ended.ended_at_ms);
    }
  }

  DispatcherOptions dispatcher_options() {
    DispatcherOptions options;
    options.now_ms = &unix_ms;
    options.beat = [this] { dispatcher_beat.beat(steady_now()); };
    return options;
  }

  Api::Submit submitter() {
    return [this](Lane lane, Job job) { return pool(lane).submit(std::move(job)); };
  }

  /// Gives memory back to the system that nobody uses any more. Looks every so often, on a thread
  /// that may block.
  void watch_memory() {
    if (memory_watch.look(server->connections(), resident_bytes(), steady_now())) {
      release_free_memory();
      memory_watch.gave_back(resident_bytes(), steady_now());
    }
    static_cast<void>(memory.submit_after(memory_check, [this] { watch_memory(); }));
  }

  static ordercast::TimePoint steady_now() { return ordercast::SteadyClock{}.now(); }

  /// While the server is made, once for each of its I/O threads.
  void watch_io_thread(const Post& post) {
    post([] { use_signal_stack(); });
    const auto probe = std::make_shared<Probe>(post);
    watchdog.add("io-" + std::to_string(io_probes.size()), PartKind::io_thread, io_limit,
                 [probe](ordercast::TimePoint now) { return probe->still_for(now); });
    io_probes.push_back(probe);
  }

  /// The other parts, and who is told of them.
  void watch_parts() {
    const auto add = [this](const char* name, std::chrono::milliseconds limit, const auto& part) {
      watchdog.add(name, PartKind::worker, limit,
                   [&part](ordercast::TimePoint now) { return part.still_for(now); });
    };
    add("database", database_limit, store_health);
    add("dispatcher", dispatcher_limit, dispatcher_beat);
    add("push", push_limit, push_beat);
    add("writer", worker_limit, writer);
    add("reader", worker_limit, readers);
    add("lookup", worker_limit, lookups);
    add("login", worker_limit, logins);
    add("payment", worker_limit, payments);
    add("webhook", worker_limit, webhooks);
    context.io_turns = [this] { return watchdog.io_turns(steady_now()); };
    context.parts = [this] { return watchdog.parts(steady_now()); };
    context.not_ready = [this]() -> std::optional<std::string> {
      if (!store_health.works()) return "The database does not answer";
      if (const auto part = watchdog.stalled(steady_now())) return *part + " stands still";
      return std::nullopt;
    };
    context.shared_metrics = [this](SharedPage::Answer answer) {
      metrics_for_all.ask(std::move(answer));
    };
  }

  /// Asks every I/O thread for a sign of life and logs who has none. Waits for nobody.
  void look_at_parts() {
    const auto now = steady_now();
    for (const auto& probe : io_probes) probe->ask(now);
    watchdog.look(now);
    static_cast<void>(watch.submit_after(watch_interval, [this] { look_at_parts(); }));
  }

  void check_store() {
    store_health.check(store, steady_now());
    static_cast<void>(health.submit_after(watch_interval, [this] { check_store(); }));
  }

  WorkerPool& pool(Lane lane) {
    switch (lane) {
      case Lane::writer:
        return writer;
      case Lane::login:
        return logins;
      case Lane::payment:
        return payments;
      case Lane::webhook:
        return webhooks;
      case Lane::ops:
        return ops;
      case Lane::io:
      case Lane::reader:
        break;
    }
    return readers;
  }

  std::vector<std::pair<std::string, std::size_t>> queue_depths() const {
    return {{"reader", readers.waiting()},   {"writer", writer.waiting()},
            {"login", logins.waiting()},     {"payment", payments.waiting()},
            {"webhook", webhooks.waiting()}, {"lookup", lookups.waiting()}};
  }

  void make_ops_server(const Config& config) {
    ServerOptions options;
    options.host = config.host;
    options.port = config.ops_port;
    options.accept.max_connections =
        64;  // a few probes and scrapers, whatever the main port is doing
    options.transport.on_error = log_escaped;
    ops_server = transport_of(config).make_plain(options);
    ops_server->set_http_handler(
        [this](ordercast::HttpRequest request, const ordercast::HttpResponder& respond) {
          ops_api.handle(std::move(request), respond);
        });
    ops_server->set_handshake_filter([](const ordercast::HttpRequest&) {
      return ordercast::HttpResponse{404, {}, {}};
    });
  }

  MemoryWatch memory_watch;  // The memory thread's.
  SqliteStore store;
  Metrics metrics;
  PasswordHasher hasher;
  LoginLimiter login_limiter;
  const bool is_demo;
  Tokens tokens;  // May need to know that.
  const PaymentMode mode;
  ApiContext context;
  Api api;
  Api ops_api;
  std::shared_ptr<TlsContext> tls;  // Null: plain.
  StoreHealth store_health;
  Heartbeat dispatcher_beat;
  Heartbeat push_beat;
  std::vector<std::shared_ptr<Probe>> io_probes;
  Watchdog watchdog;
  SharedPage metrics_for_all{[this] { return metrics_page(context); },
                             [this](std::chrono::milliseconds delay, std::function<void()> task) {
                               return ops.submit_after(delay, std::move(task));
                             },
                             &steady_now, metrics_interval, most_metrics_waiting};
  std::unique_ptr<RealtimeServer> server;
  std::unique_ptr<RealtimeServer> ops_server;
  Dispatcher dispatcher;
  std::unique_ptr<PushSender> sender;
  PushWorker push;
  // The pools are the first to end, while all that their tasks refer to is still there.
  WorkerPool lookups;
  OrderLookup lookup;
  WorkerPool readers;
  WorkerPool writer;
  WorkerPool logins;
  WorkerPool payments;
  WorkerPool webhooks;
  WorkerPool ops;
  WorkerPool memory;
  WorkerPool health;
  WorkerPool watch;
};

App::App(const Config& config) {
  // Every connection takes a descriptor, and the usual soft limit is 1,024.
  ordercast::net::raise_descriptor_limit(wanted_descriptors);
  parts_ = std::make_unique<Parts>(config);
}

App::~App() = default;

std::uint16_t App::listen() {
  if (parts_->ops_server) parts_->ops_server->listen();
  return parts_->server->listen();
}

void App::run() {
  auto& parts = *parts_;
  std::thread ops_thread;
  if (parts.ops_server) ops_thread = std::thread([&parts] { parts.ops_server->run(); });
  parts.dispatcher.start();
  parts.push.start();
  static_cast<void>(parts.memory.submit([&parts] { parts.watch_memory(); }));
  static_cast<void>(parts.health.submit([&parts] { parts.check_store(); }));
  static_cast<void>(parts.watch.submit([&parts] { parts.look_at_parts(); }));
  parts.server->run();
  parts.watch.stop();  // the I/O threads have ended, as they should

  // Nobody is connected any more. What was accepted is finished; what is committed and not yet
  // marked as broadcast is published by the next start.
  for (auto* pool : {&parts.readers, &parts.writer, &parts.logins, &parts.payments, &parts.webhooks,
                     &parts.lookups}) {
    pool->stop();
  }
  parts.dispatcher.stop();
  parts.push.stop();
  if (parts.ops_server) {
    parts.ops_server->stop();
    ops_thread.join();
  }
  parts.ops.stop();
  parts.memory.stop();
  parts.health.stop();
}

void App::reload_certificate() {
  if (!parts_->tls) {
    spdlog::info("there is no certificate to reload");
    return;
  }
  // The files may be on a disk that hangs, and the caller's thread is the one that drains.
  const bool queued = parts_->memory.submit([tls = parts_->tls] {
    try {
      tls->reload();
      spdlog::info("the certificate was reloaded");
    } catch (const std::exception& error) {
      spdlog::error("the old certificate stays: {}", error.what());
    }
  });
  if (!queued) spdlog::error("the old certificate stays: an earlier reload still goes on");
}

void App::drain(std::chrono::milliseconds window) {
  parts_->context.draining = true;
  parts_->server->drain(window);
}

}  // namespace order_server
