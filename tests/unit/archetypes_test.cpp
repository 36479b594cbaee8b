// SPDX-License-Identifier: MIT
#include "support/archetypes.hpp"

#include <ordercast/connection_manager.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/sharded.hpp>

#include <catch2/catch.hpp>

#include <functional>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::ArchetypeHandle;
using test::ArchetypeServices;
using test::ArchetypeTransport;

static_assert(is_transport<ArchetypeTransport> && is_services<ArchetypeServices>);

// Every member compiles, whether it is called below or not.
template class ordercast::ConnectionManager<ArchetypeTransport, ArchetypeServices>;
template class ordercast::ConnectionManager<test::CountingArchetypeTransport, ArchetypeServices>;
template class ordercast::Sharded<ConnectionManager<ArchetypeTransport, ArchetypeServices>>;

TEMPLATE_TEST_CASE("a transport with only the required members serves a connection's whole life",
                   "[manager]", ArchetypeTransport, test::CountingArchetypeTransport) {
  TestType transport;
  ConnectionManager<TestType, ArchetypeServices> manager(transport, ArchetypeServices(0));
  const ArchetypeHandle alice(1);
  manager.on_open(alice, "alice");
  manager.on_open(ArchetypeHandle(2), "bob");
  manager.on_message(alice, R"({"type":"subscribe","orderId":"order-1","since":0})");
  CHECK(manager.subscriptions() == 1);

  Sharded<ConnectionManager<TestType, ArchetypeServices>> sharded;
  sharded.add(manager, [](const std::function<void()>& task) { task(); });
  std::size_t reached = 0;
  sharded.publish({"order-1", OwnerId("bob"), OrganizationId(), "READY", 2, R"({"version":2})"},
                  [&](const PublishOutcome& outcome) { reached = outcome.reached; });
  CHECK(reached == 2);
  CHECK(manager.send_to_watchers("order-1", {R"({"type":"position"})", "position"}) == 1);

  manager.on_pong(alice);
  manager.on_writable(alice);
  manager.tick(TimePoint() + std::chrono::hours(2));
  manager.on_close(alice);
  CHECK(manager.connections() == 1);
}
