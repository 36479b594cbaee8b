// SPDX-License-Identifier: MIT
#include "app_components.hpp"

#include "app_cluster.hpp"
#include "app_options.hpp"
#include "domain/ids.hpp"
#include "process/crash_report.hpp"
#include "store/demo_start.hpp"
#include "workers/fail_point.hpp"
#include "workers/wall_clock.hpp"

#include <spdlog/spdlog.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <thread>

namespace order_server {
namespace {

/// A login takes 0.1 s; clients would not wait for a longer queue.
constexpr std::size_t login_queue = 128;
constexpr std::size_t ops_queue = 16;
constexpr std::size_t payment_queue = 256;
constexpr std::size_t webhook_queue = 256;

/// How often the watchdog probes the parts and the database.
constexpr std::chrono::milliseconds watch_interval{1'000};
/// How often the server looks for users that an operator has changed, to close their sockets. Calls
/// look by themselves.
constexpr std::chrono::milliseconds account_interval{100};
/// How long a part may make no progress before it counts as stalled. The database may delay a
/// statement by 5 s, a round of the dispatcher or of push has several statements, and a call to the
/// payment provider takes up to 15 s.
constexpr std::chrono::milliseconds io_limit{10'000};
constexpr std::chrono::milliseconds database_limit{10'000};
constexpr std::chrono::milliseconds dispatcher_limit{15'000};
constexpr std::chrono::milliseconds push_limit{60'000};
constexpr std::chrono::milliseconds refund_limit{60'000};
constexpr std::chrono::milliseconds worker_limit{60'000};
constexpr std::chrono::milliseconds cluster_limit{60'000};
constexpr std::chrono::milliseconds cluster_retry{5'000};
/// After a restart all clients subscribe again at once. A refused look-up is a refused
/// subscription, so this limit is far above that of API requests. About 300 bytes each.
constexpr std::size_t lookup_queue = 262'144;

/// Short compared to the time in which a crowd connects and leaves.
constexpr std::chrono::milliseconds memory_check{250};

/// I/O threads answer in microseconds, unless the server is stopping.
constexpr std::chrono::seconds disconnect_timeout{5};

void release_free_memory() noexcept {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

/// The resident memory of this process; 0 if the system does not tell.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Warns once if a proxy seems to let others reach demo data that is meant for this machine.
void warn_of_proxy(const ordercast::HttpRequest& request) {
  static std::atomic<bool> is_said{false};
  if (request.header("Forwarded").empty() && request.header("X-Forwarded-For").empty()) return;
  if (is_said.exchange(true)) return;
  spdlog::warn(
      "a proxy forwards requests to demo data, whose passwords everybody knows: if others can "
      "reach that proxy, use another --db with --demo-data off");
}

}  // namespace

App::Components::Components(const Config& config)
    : service_manager(&process_environment),
      tls(tls_context(config)),
      database(open_database(database_options(config))),
      store(*database),
      login_limiter(login_limits(config)),
      is_demo(start_with_demo_data(store, hasher, config.demo_data, config.host, unix_ms())),
      tokens(token_options(config, store)),
      accounts(
          store, store, tokens,
          [this](const std::string& user_id, std::string reason) {
            return disconnect(user_id, {}, std::move(reason)).has_value();
          },
          &unix_ms),
      ended_sessions(
          store, tokens,
          [this](const std::string& user_id, const std::string& session_id) {
            static_cast<void>(disconnect(user_id, session_id, "Logged out"));
          },
          &unix_ms),
      mode(payment_mode(config, is_demo)),
      context{store,
              store,
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
                refunds.wake();
              },
              [this](std::string user_id, std::string reason) {
                if (cluster) cluster->tell_disconnect(user_id, reason);
                return disconnect(std::move(user_id), {}, std::move(reason));
              },
              [this](std::string user_id, std::string session_id, std::string reason) {
                if (cluster) cluster->tell_sessions_ended(user_id);
                return disconnect(std::move(user_id), std::move(session_id), std::move(reason));
              },
              [this] { return queue_depths(); },
              [this] { return store.push_stats(unix_ms()); },
              payment_setup(config, mode)},
      api(context, main_routes(config), Cors(config.allowed_origins, site_of(config)),
          address_rules(config), submitter(), pages_of(config)),
      ops_api(context, ops_routes(), Cors(), {}, submitter()),
      server(transport_of(config).make(server_options(config, tls),
                                       [this](const Post& post) {
                                         watch_io_thread(post);
                                         return RealtimeServices{
                                             tokens, StoreAuthorizer(lookup, post),
                                             StoreOrders(lookup, post), MetricsObserver(metrics)};
                                       })),
      cluster(make_cluster(config)),
      dispatcher(
          store, metrics,
          [this](const ordercast::OrderEvent& event, Dispatcher::Done done) {
            if (cluster) return cluster->publish(event, std::move(done));
            server->publish(event, std::move(done));
          },
          dispatcher_options()),
      sender(push_sender(config)),
      push(
          store, *sender, metrics,
          [this](const std::string& user_id, bool ping, const PresenceAnswer& done) {
            ask_presence(user_id, ping, done);
          },
          push_options(config, push_beat)),
      refund_provider(make_refund_provider(config)),
      refunds(store, *refund_provider, metrics, refund_options()),
      lookups("lookup", config.db_readers, lookup_queue, WorkerPool::yielding),
      lookup(store, lookups, metrics),
      readers("reader", config.db_readers, queue_limits(config)),
      lists("list", config.db_readers, queue_limits(config), WorkerPool::polite),
      writer("writer", writer_threads(config), queue_limits(config)),
      logins("login", login_threads(), login_queue, WorkerPool::polite),
      payments("payment", payment_threads, payment_queue),
      webhooks("webhook", 1, webhook_queue),
      ops("ops", 1, ops_queue),
      memory("memory", 1, 4),
      health("health", 1, 2),
      watch("watch", 1, 1) {
  watch_parts();
  accounts.start();
  context.refuse_changed_accounts = [this] { accounts.refuse_changed(); };
  if (tls) api.promise_tls(config.hsts);
  api.answer_to({config.allowed_hosts, is_loopback_host(config.host)});
  ops_api.answer_to({config.allowed_hosts, is_loopback_host(config.host)});
  api.limit_writes(write_rules(config));
  context.node = config.node;
  context.hands_over = config.listening_socket >= 0;
  server->set_epoch(store.epoch(), config.node);
  const bool is_private_demo = is_demo && is_loopback_host(config.host);
  server->set_http_handler([this, is_private_demo](ordercast::HttpRequest request,
                                                   const ordercast::HttpResponder& respond) {
    if (is_private_demo) warn_of_proxy(request);
    api.handle(std::move(request), respond);
  });
  server->set_handshake_filter(
      [this](const ordercast::HttpRequest& request) { return api.refuse_handshake(request); });
  if (config.ops_port != 0) make_ops_server(config);
}

std::optional<std::size_t> App::Components::disconnect(std::string user_id, std::string session_id,
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

std::unique_ptr<Cluster> App::Components::make_cluster(const Config& config) {
  auto backplane = node_backplane(config);
  if (!backplane) return nullptr;
  ClusterLocal local;
  local.publish = [this](const ordercast::OrderEvent& event, Cluster::Done done) {
    server->publish(event, std::move(done));
  };
  local.look_at_sessions = [this] { ended_sessions.look(); };
  local.disconnect_user = [this](const std::string& user_id, const std::string& reason) {
    static_cast<void>(disconnect(user_id, {}, reason));
  };
  local.last_heard = [this](const std::string& user_id, bool ping, PresenceAnswer done) {
    server->last_heard(user_id, ping, std::move(done));
  };
  ClusterOptions options;
  options.presence.process = random_uuid();
  options.beat = [this] { cluster_beat.beat(steady_now()); };
  return std::make_unique<Cluster>(std::move(backplane), std::move(local),
                                   resync_world(*server, store), metrics, std::move(options));
}

void App::Components::ask_presence(const std::string& user_id, bool ping,
                                   const PresenceAnswer& done) const {
  if (!cluster) return server->last_heard(user_id, ping, done);
  server->last_heard(user_id, ping, [done](std::optional<ordercast::TimePoint> heard) {
    // No connection here. There may be one at another node.
    done(heard.value_or(ordercast::TimePoint::min()));
  });
  if (ping) cluster->ask_presence(user_id, [done] { done(steady_now()); });
}

DispatcherOptions App::Components::dispatcher_options() {
  DispatcherOptions options;
  // What the stream did not take is given to it again soon after it is back.
  if (cluster) options.retry.last = cluster_retry;
  options.now_ms = &unix_ms;
  options.beat = [this] { dispatcher_beat.beat(steady_now()); };
  return options;
}

RefundOptions App::Components::refund_options() {
  RefundOptions options;
  options.now_ms = &unix_ms;
  options.committed = [this] {
    dispatcher.wake();
    push.wake();
  };
  options.beat = [this] { refund_beat.beat(steady_now()); };
  return options;
}

Api::Submit App::Components::submitter() {
  return [this](Lane lane, Job job) { return pool(lane).submit(std::move(job)); };
}

void App::Components::watch_memory() {
  if (memory_watch.look(server->connections(), resident_bytes(), steady_now())) {
    release_free_memory();
    memory_watch.gave_back(resident_bytes(), steady_now());
  }
  static_cast<void>(memory.submit_after(memory_check, [this] { watch_memory(); }));
}

void App::Components::watch_io_thread(const Post& post) {
  post([] { use_signal_stack(); });
  const auto probe = std::make_shared<Probe>(post);
  watchdog.add("io-" + std::to_string(io_probes.size()), PartKind::io_thread, stall_limit(io_limit),
               [probe](ordercast::TimePoint now) { return probe->still_for(now); });
  io_probes.push_back(probe);
}

void App::Components::watch_parts() {
  const auto add = [this](const char* name, std::chrono::milliseconds limit, const auto& part) {
    watchdog.add(name, PartKind::worker, stall_limit(limit),
                 [&part](ordercast::TimePoint now) { return part.still_for(now); });
  };
  add("database", database_limit, store_health);
  add("dispatcher", dispatcher_limit, dispatcher_beat);
  add("push", push_limit, push_beat);
  if (cluster) {
    add("cluster", cluster_limit, cluster_beat);
    context.behind = [this] { return cluster->behind(); };
  }
  add("refund", refund_limit, refund_beat);
  // A thread that holds the others up, or all of them.
  watchdog.add("writer", PartKind::worker, stall_limit(worker_limit),
               [this](ordercast::TimePoint now) {
                 return std::max(writer.still_for(now), store.writing_for(now));
               });
  add("reader", worker_limit, readers);
  add("list", worker_limit, lists);
  add("lookup", worker_limit, lookups);
  add("login", worker_limit, logins);
  add("payment", worker_limit, payments);
  add("webhook", worker_limit, webhooks);
  context.io_turns = [this] { return watchdog.io_turns(steady_now()); };
  context.parts = [this] { return watchdog.parts(steady_now()); };
  context.not_ready = [this]() -> std::optional<std::string> {
    if (!store_health.works()) return "The database does not answer";
    if (const auto part = watchdog.stalled(steady_now())) return *part + " is stalled";
    return std::nullopt;
  };
  context.shared_metrics = [this](SharedPage::Respond answer) {
    metrics_for_all.ask(std::move(answer));
  };
}

void App::Components::look_at_parts() {
  const auto now = steady_now();
  for (const auto& probe : io_probes) probe->ask(now);
  watchdog.look(now);
  auto pause = watch_interval;
  if (const auto patience = service_manager.watchdog()) {
    if (is_alive()) service_manager.alive();
    pause = std::min(pause, std::chrono::floor<std::chrono::milliseconds>(*patience / 3));
  }
  static_cast<void>(watch.submit_after(pause, [this] { look_at_parts(); }));
}

bool App::Components::is_alive() {
  const auto now = steady_now();
  return watchdog.io_turns(now) && (!store_health.works() || !watchdog.stalled(now));
}

void App::Components::check_store() {
  store_health.check(store, steady_now());
  static_cast<void>(health.submit_after(watch_interval, [this] { check_store(); }));
}

void App::Components::watch_accounts() {
  if (context.draining) return;  // all sockets close, and the I/O threads end
  try {
    accounts.look();
  } catch (const StoreError&) {  // NOLINT(bugprone-empty-catch)
    // `check_store` reports the fault; this tries again.
  }
  static_cast<void>(health.submit_after(account_interval, [this] { watch_accounts(); }));
}

WorkerPool& App::Components::pool(Lane lane) {
  switch (lane) {
    case Lane::writer:
      return writer;
    case Lane::list:
      return lists;
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

std::vector<std::pair<std::string, std::size_t>> App::Components::queue_depths() const {
  return {{"reader", readers.waiting()},   {"list", lists.waiting()},
          {"writer", writer.waiting()},    {"login", logins.waiting()},
          {"payment", payments.waiting()}, {"webhook", webhooks.waiting()},
          {"lookup", lookups.waiting()}};
}

void App::Components::make_ops_server(const Config& config) {
  ops_server = transport_of(config).make_plain(ops_server_options(config));
  ops_server->set_http_handler(
      [this](ordercast::HttpRequest request, const ordercast::HttpResponder& respond) {
        ops_api.handle(std::move(request), respond);
      });
  ops_server->set_handshake_filter([](const ordercast::HttpRequest&) {
    return ordercast::HttpResponse{404, {}, {}};
  });
}

}  // namespace order_server
