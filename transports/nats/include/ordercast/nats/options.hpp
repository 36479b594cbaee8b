// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// How a node reaches NATS, and what its stream is like.
namespace ordercast::nats {

struct Options {
  std::vector<std::string> servers;  ///< nats://HOST:PORT or tls://HOST:PORT, tried in turn.
  std::string name;                  ///< This node's name in the servers' lists of connections.

  std::string stream = "ORDERCAST";
  std::string subject_prefix = "ordercast";  ///< The stream takes PREFIX.>

  // These apply when a node creates the stream. A stream that exists stays as it is.
  int replicas = 1;  ///< 3 in a cluster of three or more servers, so that one may be lost.
  std::chrono::seconds max_age{3600};
  std::int64_t max_bytes = std::int64_t{256}
                           << 20;  ///< The oldest messages are deleted; 0 is no limit.
  /// A message that is published again within this time is stored only once.
  std::chrono::seconds duplicate_window{120};

  // Credentials come from files or the environment; a URL with a password is refused.
  std::string credentials_file;  ///< .creds; "": none.
  std::string token;             ///< "": none.
  std::string ca_file;           ///< PEM; "": the system's. Each of these three turns TLS on.
  std::string certificate_file;  ///< PEM; "": none.
  std::string key_file;

  /// A larger order is sent without its JSON, and receivers read it from the store. The server's
  /// own limit is max_payload, 1 MiB by default.
  std::size_t max_message_bytes = std::size_t{512} << 10;
  /// How many publishes may wait for their acknowledgement; further ones are answered `unavailable`
  /// at once.
  std::size_t max_unacknowledged = 4096;
  std::size_t max_unacknowledged_bytes = std::size_t{64} << 20;
  /// How many bytes may wait for the receiver; above that, the stream is read again from there.
  std::size_t max_unread_bytes = std::size_t{64} << 20;

  std::chrono::milliseconds publish_deadline{3000};
  std::chrono::milliseconds request_deadline{2000};
  /// How often the stream reports that it lives; three missing reports are an outage.
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds reconnect_wait{250};
};

/// Whether this is a valid name of a stream, or of the first token of its subjects.
[[nodiscard]] inline bool is_stream_name(std::string_view text) noexcept {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), is_good);
}

/// Whether it is nats:// or tls:// with a host, and no user or password.
[[nodiscard]] inline bool is_server_url(std::string_view url) noexcept {
  std::string_view rest;
  for (const std::string_view scheme : {"nats://", "tls://"}) {
    if (url.substr(0, scheme.size()) == scheme) rest = url.substr(scheme.size());
  }
  if (rest.empty() || rest.find_first_of("@/?# ,") != std::string_view::npos) return false;
  return rest[0] != ':';
}

/// Says what is wrong with the options, in a sentence without secrets; empty if nothing is.
[[nodiscard]] inline std::string find_fault(const Options& options) {
  if (options.servers.empty()) return "NATS: no server is given";
  for (const auto& url : options.servers) {
    // A URL with a password is not repeated.
    if (url.find('@') != std::string::npos) {
      return "NATS: a server's URL holds a user or password; give these in a credentials file";
    }
    if (!is_server_url(url)) {
      return "NATS: '" + url + "' is no server; allowed is nats://HOST:PORT or tls://HOST:PORT";
    }
  }
  if (!is_stream_name(options.stream)) {
    return "NATS: '" + options.stream +
           "' is no stream; allowed are 1 to 64 letters, digits, - and _";
  }
  if (!is_stream_name(options.subject_prefix)) {
    return "NATS: '" + options.subject_prefix +
           "' is no subject prefix; allowed are 1 to 64 letters, digits, - and _";
  }
  if (options.replicas < 1 || options.replicas > 5) return "NATS: a stream has 1 to 5 replicas";
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return "NATS: give a client certificate and its key, or none of them";
  }
  return {};
}

}  // namespace ordercast::nats
