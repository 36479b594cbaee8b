// SPDX-License-Identifier: MIT
// What services throw reaches the observer, not only the client.
#include "support/fake_transport.hpp"
#include <ordercast/connection_manager.hpp>

#include <catch2/catch.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using ordercast::test::FakeTransport;

namespace {

struct Failing {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.empty()) throw std::runtime_error("no keys");
    return Identity{std::string(token), Reach::own};
  }
  template <class Done>
  void authorize(const IdentityView& /*who*/, std::string_view order_id, Done done) const {
    if (order_id == "a") throw std::runtime_error("database down");
    done(Access::granted);
  }
  template <class Done>
  void fetch(std::string_view /*order_id*/, Done /*done*/) const {
    throw std::runtime_error("disk gone");
  }
};

struct Log : NullObserver {
  explicit Log(std::vector<std::string>* told) : lines(told) {}
  void on_service_failed(std::string_view service, const std::exception_ptr& failure) const {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      lines->push_back(std::string(service) + ": " + error.what());
    }
  }
  std::vector<std::string>* lines;
};

/// As observers were before there was such a call.
struct Old {
  void on_connected() {}
  void on_disconnected() {}
  void on_refused(CloseCode /*code*/, std::string_view /*detail*/) {}
  void on_subscribed() {}
  void on_unsubscribed(std::size_t /*count*/) {}
  void on_delivered(MessageType /*type*/, std::size_t /*count*/) {}
  void on_conflated(std::size_t /*count*/) {}
  void on_dropped(std::size_t /*count*/) {}
  void on_error(ErrorCode /*code*/) { ++errors; }
  void on_closed_by_server(CloseCode /*code*/) {}
  void on_version_mismatch(std::string_view /*order_id*/, std::uint64_t /*version*/) {}
  int errors = 0;
};

template <class Manager>
void fail_everywhere(Manager& manager) {
  manager.on_open(1, "");
  manager.on_open(2, "alice");
  manager.on_message(2, R"({"type":"subscribe","orderId":"a"})");
  manager.on_message(2, R"({"type":"subscribe","orderId":"b","since":0})");
}

}  // namespace

TEST_CASE("the observer is told what a service has thrown", "[manager][faults]") {
  std::vector<std::string> lines;
  FakeTransport transport;
  using Seams = Services<Failing, Failing, Failing, Log>;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{{}, {}, {}, Log(&lines), {}});
  fail_everywhere(manager);
  CHECK(lines == std::vector<std::string>{"authenticator: no keys", "authorizer: database down",
                                          "orders: disk gone"});
}

TEST_CASE("an observer that does not ask for failures of services works", "[manager][faults]") {
  FakeTransport transport;
  using Seams = Services<Failing, Failing, Failing, Old>;
  ConnectionManager<FakeTransport, Seams> manager(transport, Seams{});
  fail_everywhere(manager);
  CHECK(manager.services().observer.errors > 0);
}
