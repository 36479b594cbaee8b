// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/nats/connection.hpp>
#include <ordercast/nats/options.hpp>
#include <ordercast/nats/publisher.hpp>
#include <ordercast/nats/reader.hpp>
#include <ordercast/nats/subject.hpp>
#include <ordercast/nats/wire.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>

/// The backplane on NATS JetStream; see README.md beside the transport.
///
/// It has two threads: one reads the stream and calls the receiver, one takes acknowledgements and
/// calls the `done` of each `publish`. The threads of libnats call none of our code.
///
///     ordercast::nats::Options options;
///     options.servers = {"nats://127.0.0.1:4222"};
///     ordercast::nats::Backplane backplane(options);
///     backplane.subscribe({on_order, on_notice, on_behind});
namespace ordercast::nats {

class Backplane {
 public:
  using Done = std::function<void(BackplaneAnswer)>;

  /// Connects in the background: servers that don't respond are not an error. Throws
  /// std::invalid_argument for invalid options, and std::runtime_error if a file can't be read.
  explicit Backplane(Options options)
      : options_(std::move(options)),
        self_(random_name()),
        connection_(options_),
        reader_(options_, connection_, self_),
        publisher_(options_, connection_) {}
  Backplane(const Backplane&) = delete;
  Backplane& operator=(const Backplane&) = delete;
  Backplane(Backplane&&) = delete;
  Backplane& operator=(Backplane&&) = delete;
  ~Backplane() { stop(); }

  /// The stream stores this version once within the duplicate window, however often it is
  /// published.
  void publish(const OrderEvent& event, Done done) {
    const auto data = encode(event, self_, options_.max_message_bytes);
    if (!data) return refuse(done);
    publisher_.publish(
        order_subject(options_.subject_prefix, event.organization.view(), event.order_id),
        subject_token(event.order_id) + ":" + std::to_string(event.version), *data,
        std::move(done));
  }
  void publish(const BackplaneNotice& notice, Done done) {
    const auto data = encode(notice, self_, options_.max_message_bytes);
    if (!data) return refuse(done);
    publisher_.publish(notice_subject(options_.subject_prefix, notice.kind), "", *data,
                       std::move(done));
  }

  void subscribe(BackplaneReceiver receiver, std::optional<BackplanePosition> after = {}) {
    reader_.start(std::move(receiver), std::move(after));
  }
  [[nodiscard]] std::optional<BackplanePosition> position() const { return reader_.position(); }
  [[nodiscard]] bool hears() const noexcept { return reader_.hears(); }
  [[nodiscard]] std::uint64_t behind() const noexcept { return reader_.behind(); }

  void stop() {
    connection_.close();
    reader_.join();
    publisher_.join();
  }

 private:
  static void refuse(const Done& done) noexcept {
    try {
      if (done) done(BackplaneAnswer::refused);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the caller is responsible for what it throws.
    }
  }

  static std::string random_name() {
    std::random_device random;
    return std::to_string(random()) + "-" + std::to_string(random());
  }

  const Options options_;
  const std::string self_;
  Connection connection_;
  Reader reader_;
  Publisher publisher_;
};

static_assert(is_backplane<Backplane>);

}  // namespace ordercast::nats
