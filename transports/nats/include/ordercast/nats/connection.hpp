// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/nats/options.hpp>

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// A connection of libnats, and owners for the objects that libnats returns.
///
/// libnats calls back on its own threads, even after an object was destroyed. So no callback here
/// refers to an object; events are read from the connection's state.
namespace ordercast::nats {

template <auto Destroy>
struct DestroyedBy {
  template <class T>
  void operator()(T* object) const noexcept {
    Destroy(object);
  }
};

using ConnectionPtr = std::unique_ptr<natsConnection, DestroyedBy<natsConnection_Destroy>>;
using JetStreamPtr = std::unique_ptr<jsCtx, DestroyedBy<jsCtx_Destroy>>;
using SubscriptionPtr = std::unique_ptr<natsSubscription, DestroyedBy<natsSubscription_Destroy>>;
using MessagePtr = std::unique_ptr<natsMsg, DestroyedBy<natsMsg_Destroy>>;
using OptionsPtr = std::unique_ptr<natsOptions, DestroyedBy<natsOptions_Destroy>>;
using StatisticsPtr = std::unique_ptr<natsStatistics, DestroyedBy<natsStatistics_Destroy>>;
using StreamInfoPtr = std::unique_ptr<jsStreamInfo, DestroyedBy<jsStreamInfo_Destroy>>;
using ConsumerInfoPtr = std::unique_ptr<jsConsumerInfo, DestroyedBy<jsConsumerInfo_Destroy>>;

[[nodiscard]] inline std::int64_t nanoseconds(std::chrono::nanoseconds time) noexcept {
  return time.count();
}

/// The header's value; empty if there is none.
[[nodiscard]] inline std::string header(natsMsg* message, const char* key) {
  const char* value = nullptr;
  if (natsMsgHeader_Get(message, key, &value) != NATS_OK || value == nullptr) return {};
  return value;
}

/// One connection, shared by a reader and a publisher. It reconnects by itself, without a limit.
class Connection {
 public:
  /// Does not wait for a server that doesn't respond. Throws std::invalid_argument for invalid
  /// options, and std::runtime_error if a file can't be read or memory runs out.
  explicit Connection(const Options& options) {
    if (auto fault = find_fault(options); !fault.empty()) throw std::invalid_argument(fault);
    natsOptions* made = nullptr;
    check(natsOptions_Create(&made), "options");
    const OptionsPtr owned(made);
    std::vector<const char*> urls;
    for (const auto& url : options.servers) urls.push_back(url.c_str());
    check(natsOptions_SetServers(made, urls.data(), static_cast<int>(urls.size())), "servers");
    if (!options.name.empty()) check(natsOptions_SetName(made, options.name.c_str()), "name");
    check(natsOptions_SetTimeout(made, options.request_deadline.count()), "timeout");
    // A server that is silent, without a reset, is given up after two of these.
    check(natsOptions_SetPingInterval(made, options.heartbeat.count() * 2), "ping interval");
    check(natsOptions_SetMaxPingsOut(made, 2), "pings");
    check(natsOptions_SetMaxReconnect(made, -1), "reconnects");
    check(natsOptions_SetReconnectWait(made, options.reconnect_wait.count()), "reconnect wait");
    const auto jitter = options.reconnect_wait.count();
    check(natsOptions_SetReconnectJitter(made, jitter, jitter), "reconnect jitter");
    check(natsOptions_SetSendAsap(made, true), "sending");
    // A stalled server lets the socket fill up; then a write fails instead of waiting.
    check(natsOptions_SetWriteDeadline(made, options.request_deadline.count()), "write deadline");
    check(natsOptions_SetErrorHandler(made, &ignore_error, nullptr), "error handler");
    // With a callback, a first connect that fails goes on in the background.
    check(natsOptions_SetRetryOnFailedConnect(made, true, &ignore_connect, nullptr), "retry");
    set_credentials(made, options);

    natsConnection* connection = nullptr;
    const auto status = natsConnection_Connect(&connection, made);
    connection_.reset(connection);
    if (status != NATS_OK && status != NATS_NOT_YET_CONNECTED) check(status, "connect");
    jsCtx* jetstream = nullptr;
    jsOptions defaults;
    jsOptions_Init(&defaults);
    defaults.Wait = options.request_deadline.count();
    check(natsConnection_JetStream(&jetstream, connection, &defaults), "JetStream");
    jetstream_.reset(jetstream);
    natsStatistics* statistics = nullptr;
    check(natsStatistics_Create(&statistics), "statistics");
    statistics_.reset(statistics);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() { close(); }

  [[nodiscard]] natsConnection* get() const noexcept { return connection_.get(); }
  [[nodiscard]] jsCtx* jetstream() const noexcept { return jetstream_.get(); }

  [[nodiscard]] bool is_connected() const noexcept {
    return natsConnection_Status(connection_.get()) == NATS_CONN_STATUS_CONNECTED;
  }
  /// How often the connection was lost and made again. One thread at a time.
  [[nodiscard]] std::uint64_t reconnects() const noexcept {
    std::uint64_t count = 0;
    if (natsConnection_GetStats(connection_.get(), statistics_.get()) != NATS_OK) return 0;
    natsStatistics_GetCounts(statistics_.get(), nullptr, nullptr, nullptr, nullptr, &count);
    return count;
  }

  /// Ends every wait on a subscription. Any thread.
  void close() noexcept { natsConnection_Close(connection_.get()); }

 private:
  static void ignore_error(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                           natsStatus /*status*/, void* /*closure*/) {}
  static void ignore_connect(natsConnection* /*connection*/, void* /*closure*/) {}

  static void check(natsStatus status, const std::string& what) {
    if (status == NATS_OK) return;
    throw std::runtime_error("NATS: " + what + ": " + natsStatus_GetText(status));
  }

  static void set_credentials(natsOptions* made, const Options& options) {
    if (!options.credentials_file.empty()) {
      check(
          natsOptions_SetUserCredentialsFromFiles(made, options.credentials_file.c_str(), nullptr),
          "credentials");
    }
    if (!options.token.empty()) check(natsOptions_SetToken(made, options.token.c_str()), "token");
    if (options.ca_file.empty() && options.certificate_file.empty()) return;
    check(natsOptions_SetSecure(made, true), "TLS");
    if (!options.ca_file.empty()) {
      check(natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str()),
            "the CA file '" + options.ca_file + "'");
    }
    if (!options.certificate_file.empty()) {
      check(natsOptions_LoadCertificatesChain(made, options.certificate_file.c_str(),
                                              options.key_file.c_str()),
            "the client certificate '" + options.certificate_file + "'");
    }
  }

  ConnectionPtr connection_;
  JetStreamPtr jetstream_;
  StatisticsPtr statistics_;
};

}  // namespace ordercast::nats
