// SPDX-License-Identifier: MIT
#include "app_cluster.hpp"

#include "domain/order_json.hpp"
#include <ordercast/nats/backplane.hpp>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>

namespace order_server {
namespace {

/// I/O threads answer in microseconds, unless they are very busy or the server has just ended.
constexpr std::chrono::seconds io_patience{5};

/// Waits for what `ask(done)` answers through `done`.
template <class Answer, class Ask>
Answer wait_for(const Ask& ask) {
  const auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  ask([promise = promise](Answer answer) { promise->set_value(std::move(answer)); });
  if (future.wait_for(io_patience) != std::future_status::ready) {
    throw std::runtime_error("an I/O thread does not answer");
  }
  return future.get();
}

void publish_order(RealtimeServer& server, Store& store, const std::string& order_id) {
  const auto order = store.find_order(order_id);
  if (!order) return;
  const auto json = order_json(*order);
  const ordercast::OrderEvent event{order->id,
                                    ordercast::OwnerId(order->user_id),
                                    ordercast::OrganizationId(order->organization_id),
                                    to_string(order->status),
                                    order->version,
                                    json};
  const auto outcome = wait_for<ordercast::PublishOutcome>(
      [&](auto done) { server.publish(event, std::move(done)); });
  if (outcome.failed_shards > 0) throw std::runtime_error("an I/O thread took no change");
}

/// A list that lacks one change is out of date whichever it is, so any order of it will do.
void publish_hint(RealtimeServer& server, Store& store, const OrderScope& scope) {
  OrderFilter filter;
  static_cast<OrderScope&>(filter) = scope;
  filter.page_size = 1;
  const auto page = store.list_orders(filter);
  if (page.orders.empty()) return;
  const Order& order = page.orders.front();
  server.publish_hint({order.id,
                       ordercast::OwnerId(order.user_id),
                       ordercast::OrganizationId(order.organization_id),
                       to_string(order.status),
                       0,
                       {}});
}

}  // namespace

std::unique_ptr<NodeBackplane> node_backplane(const Config& config) {
  if (config.nats.empty()) return nullptr;
  ordercast::nats::Options options;
  options.servers = config.nats;
  options.name = "order_server " + config.node;
  options.stream = config.nats_stream;
  options.subject_prefix = config.nats_stream;
  options.replicas = config.nats_replicas != 0 ? static_cast<int>(config.nats_replicas)
                     : config.nats.size() >= 3 ? 3
                                               : 1;
  options.credentials_file = config.nats_credentials;
  options.token = config.nats_token;
  options.ca_file = config.nats_ca;
  options.certificate_file = config.nats_certificate;
  options.key_file = config.nats_key;
  return std::make_unique<NodeBackplaneOn<ordercast::nats::Backplane>>(std::move(options));
}

ResyncWorld resync_world(RealtimeServer& server, Store& store) {
  ResyncWorld world;
  world.shards = server.shards();
  world.watched = [&server](std::size_t shard, std::uint32_t from, std::uint32_t most) {
    return wait_for<Piece<WatchedVersion>>(
        [&](auto done) { server.watched(shard, from, most, std::move(done)); });
  };
  world.users = [&server](std::size_t shard, std::uint32_t from, std::uint32_t most) {
    return wait_for<Piece<std::string>>(
        [&](auto done) { server.users(shard, from, most, std::move(done)); });
  };
  world.organizations = [&server](std::size_t shard) {
    return wait_for<std::vector<std::string>>(
        [&](auto done) { server.organizations(shard, std::move(done)); });
  };
  world.versions = [&store](const std::vector<std::string>& order_ids) {
    std::vector<WatchedVersion> versions;
    for (auto& found : store.current_versions(order_ids)) {
      versions.push_back({std::move(found.order_id), found.version});
    }
    return versions;
  };
  world.publish = [&server, &store](const std::string& id) { publish_order(server, store, id); };
  world.hint_user = [&server, &store](const std::string& id) {
    publish_hint(server, store, {id, {}});
  };
  world.hint_organization = [&server, &store](const std::string& id) {
    publish_hint(server, store, {{}, id});
  };
  return world;
}

}  // namespace order_server
