// SPDX-License-Identifier: MIT
// Answers that come after their connection or manager has ended, and the messages of a change.
#include "support/archetypes.hpp"
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using test::FakeTransport;
using Users = test::ArchetypeServices::Authenticator;
using Yes = test::ArchetypeServices::Authorizer;

std::string subscribe(const std::string& order) {
  return R"({"type":"subscribe","orderId":")" + order + "\"}";
}

}  // namespace

TEST_CASE("a completion that comes after the end of its manager does nothing",
          "[manager][faults]") {
  struct Keeper {
    std::vector<std::function<void(Access)>>* kept;
    void authorize(const IdentityView& /*who*/, std::string_view /*order*/,
                   std::function<void(Access)> done) const {
      kept->push_back(std::move(done));
    }
  };
  using Seams = Services<Users, Keeper>;
  std::vector<std::function<void(Access)>> kept;
  {
    FakeTransport transport;
    ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {&kept}});
    manager.on_open(1, "alice");
    manager.on_message(1, subscribe("o"));
  }
  REQUIRE(kept.size() == 1);
  kept.front()(Access::granted);
  kept.front()(Access::unavailable);
}

TEST_CASE("answers that a service gives in its destructor are ignored", "[manager][faults]") {
  struct Asked {
    std::vector<std::function<void(Access)>> authorize;
    std::vector<std::function<void(Unavailable)>> fetch;
    Asked() = default;
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    Asked(Asked&&) = delete;
    Asked& operator=(Asked&&) = delete;
    ~Asked() {
      for (const auto& done : authorize) done(Access::granted);
      for (const auto& done : fetch) done(Unavailable{});
    }
  };
  struct Rules {
    std::shared_ptr<Asked> asked;
    void authorize(const IdentityView& /*who*/, std::string_view order,
                   std::function<void(Access)> done) const {
      if (order == "known") return done(Access::granted);
      asked->authorize.push_back(std::move(done));
    }
  };
  struct Source {
    std::shared_ptr<Asked> asked;
    void fetch(std::string_view /*order*/, std::function<void(Unavailable)> done) const {
      asked->fetch.push_back(std::move(done));
    }
  };
  struct Counting : NullObserver {
    int* errors = nullptr;
    void on_error(ErrorCode /*code*/) noexcept { ++*errors; }
  };
  FakeTransport transport;
  int errors = 0;
  {
    auto asked = std::make_shared<Asked>();
    using Seams = Services<Users, Rules, Source, Counting>;
    Counting observer;
    observer.errors = &errors;
    ConnectionManager<FakeTransport, Seams> manager(transport,
                                                    Seams{{}, {asked}, {asked}, observer});
    const Asked& seen = *std::exchange(asked, nullptr);  // The manager's services own it alone.
    manager.on_open(1, "alice");
    manager.on_message(1, subscribe("asked"));
    manager.on_message(1, R"({"type":"subscribe","orderId":"known","since":0})");
    REQUIRE(seen.authorize.size() == 1);
    REQUIRE(seen.fetch.size() == 1);
  }
  CHECK(errors == 0);
  CHECK(transport[1].received.empty());
}

TEST_CASE("of a change's two messages only those are sent that the application asked for",
          "[manager]") {
  FakeTransport transport;
  ConnectionManager<FakeTransport, Services<Users, Yes>> manager(transport);
  manager.on_open(1, "alice");
  manager.on_message(1, subscribe("o"));
  const OrderEvent event{"o", OwnerId("alice"), OrganizationId(), "READY", 2, R"({"version":2})"};
  const auto received = [&](ChangeMessages messages) {
    transport[1].received.clear();
    manager.publish(prepare_broadcast<FakeTransport>(event, messages));
    return transport[1].received;
  };
  const std::string update = R"({"type":"order:updated","orderId":"o","data":{"version":2}})";
  const std::string hint = R"({"type":"orders:changed","orderId":"o","status":"READY"})";
  CHECK(received(ChangeMessages::hints) == std::vector<std::string>{hint});
  // A hint carries no version, so the update is still sent.
  CHECK(received(ChangeMessages::updates) == std::vector<std::string>{update});
  CHECK(received(ChangeMessages::all) == std::vector<std::string>{hint});
}
