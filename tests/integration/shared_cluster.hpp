// SPDX-License-Identifier: MIT
#pragma once

#include "../backplane/nats_server.hpp"
#include "../backplane/tcp_proxy.hpp"
#include "../support/postgres_server.hpp"
#include "cluster.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ordercast::test {

/// Two nodes on one PostgreSQL, each with a connection to NATS of its own that can be cut.
struct SharedCluster {
  explicit SharedCluster(Environment environment_of_a = {}, Environment environment_of_b = {},
                         std::vector<std::string> more = {})
      : options(std::move(more)),
        a{args("node-a", way_of_a), Database::empty, std::move(environment_of_a)},
        b{args("node-b", way_of_b), Database::empty, std::move(environment_of_b)} {
    for (const auto* node : {&a, &b}) REQUIRE(becomes_whole(*node));
  }

  [[nodiscard]] std::vector<std::string> args(const std::string& name, const TcpProxy& way) const {
    auto all = options;
    all.insert(all.end(), {"--db", url, "--nats", way.url(), "--node", name});
    return all;
  }

  std::vector<std::string> options;
  std::string url = PostgresServer::shared().url(PostgresServer::shared().create_database());
  NatsServer nats;
  TcpProxy way_of_a{nats.port()};
  TcpProxy way_of_b{nats.port()};
  OrderServer a;
  OrderServer b;
};

}  // namespace ordercast::test
