// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include "backend.hpp"

#include <cstdlib>
#include <future>
#include <stdexcept>
#include <utility>

namespace ordercast::test {
namespace {

Backends backends() {
  const auto name = transport_under_test();
  if (name == "websocketpp") return websocketpp_backends();
  if (name == "asio") return asio_backends();
  if (name == "threads") return threads_backends();
  throw std::invalid_argument("ORDERCAST_TRANSPORT must be websocketpp, asio or threads, not " +
                              name);
}

}  // namespace

std::string transport_under_test() {
  const char* name = std::getenv("ORDERCAST_TRANSPORT");  // NOLINT(concurrency-mt-unsafe)
  return name == nullptr ? "websocketpp" : name;
}

RecordingServer::RecordingServer() : RecordingServer(Setup{}) {}
RecordingServer::RecordingServer(Setup setup) : backend_(backends().recording(std::move(setup))) {
  on_io_thread([this] { io_thread_ = std::this_thread::get_id(); });
}
RecordingServer::~RecordingServer() {
  stop();
}

std::uint16_t RecordingServer::port() const noexcept {
  return backend_->port();
}

std::optional<Event> RecordingServer::next(std::chrono::milliseconds timeout) {
  return backend_->sink.next(timeout);
}

Handle RecordingServer::opened() {
  const auto event = next();
  return event && event->kind == Event::Kind::open ? event->handle : 0;
}

bool RecordingServer::expect(Event::Kind kind, Handle handle) {
  const auto event = next();
  return event && event->kind == kind && event->handle == handle;
}

std::size_t RecordingServer::unread() const {
  return backend_->sink.unread();
}

void RecordingServer::on_io_thread(const std::function<void()>& f) {
  if (std::this_thread::get_id() == io_thread_) return f();
  std::promise<void> done;
  backend_->post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

void RecordingServer::post(std::function<void()> task) {
  backend_->post(std::move(task));
}
void RecordingServer::adopt(int fd) {
  backend_->adopt(fd);
}
void RecordingServer::end_all() {
  on_io_thread([&] { backend_->end_all(); });
}
std::size_t RecordingServer::controls() const {
  return backend_->sink.controls();
}

SendResult RecordingServer::send(Handle handle, std::string text) {
  return send_to_all({handle}, std::move(text)).front();
}

std::vector<SendResult> RecordingServer::send_to_all(const std::vector<Handle>& handles,
                                                     std::string text) {
  std::vector<SendResult> results;
  on_io_thread([&] { results = backend_->send(handles, text); });
  return results;
}

std::size_t RecordingServer::send_until_backpressure(Handle handle, const std::string& text) {
  std::size_t accepted = 0;
  while (send(handle, text) == SendResult::accepted) ++accepted;
  return accepted;
}

std::size_t RecordingServer::buffered_bytes(Handle handle) {
  std::size_t bytes = 0;
  on_io_thread([&] { bytes = backend_->buffered_bytes(handle); });
  return bytes;
}

std::size_t RecordingServer::unacknowledged_bytes(Handle handle) {
  std::size_t bytes = 0;
  on_io_thread([&] { bytes = backend_->unacknowledged_bytes(handle); });
  return bytes;
}

void RecordingServer::ping(Handle handle) {
  on_io_thread([&] { backend_->ping(handle); });
}

void RecordingServer::close(Handle handle, CloseCode code, std::string reason) {
  on_io_thread([&] { backend_->close(handle, code, reason); });
}

void RecordingServer::terminate(Handle handle) {
  on_io_thread([&] { backend_->terminate(handle); });
}

void RecordingServer::begin_drain() {
  on_io_thread([&] { backend_->begin_drain(); });
}

std::size_t RecordingServer::websockets() const {
  return backend_->websockets();
}
std::size_t RecordingServer::http_requests() const {
  return backend_->http_requests();
}
std::size_t RecordingServer::open_sockets() const {
  return backend_->open_sockets();
}
std::size_t RecordingServer::errors() const {
  return backend_->errors();
}

void RecordingServer::stop() {
  backend_->stop();
}

WholeServer::WholeServer(net::ServerOptions options, HttpHandler http)
    : backend_(backends().whole(std::move(options), std::move(http))) {}

WholeServer::~WholeServer() {
  stop();
  join();
}

std::uint16_t WholeServer::port() const noexcept {
  return backend_->port();
}

std::size_t WholeServer::publish(const OrderEvent& event, ChangeMessages messages) {
  std::promise<std::size_t> reached;
  backend_->publish(event, messages,
                    [&](PublishOutcome outcome) { reached.set_value(outcome.reached); });
  return reached.get_future().get();
}

void WholeServer::publish(const OrderEvent& event, std::function<void()> done) {
  backend_->publish(event, ChangeMessages::all,
                    [done = std::move(done)](PublishOutcome) { done(); });
}

void WholeServer::ping_user(const std::string& user_id) {
  std::promise<void> done;
  backend_->ping_user(user_id, [&] { done.set_value(); });
  done.get_future().wait();
}

void WholeServer::disconnect_user(std::string user_id, CloseCode code, std::string reason) {
  backend_->disconnect_user(std::move(user_id), code, std::move(reason));
}
bool WholeServer::adopt(int fd, std::string bytes_read) {
  return backend_->adopt(fd, std::move(bytes_read));
}
bool WholeServer::adopt(int fd, const HttpRequest& request, const std::string& bytes_behind) {
  return backend_->adopt(fd, request, bytes_behind);
}
bool WholeServer::adopt_websocket(int fd, const HttpRequest& handshake, std::string bytes_behind,
                                  const net::DeflateTerms& deflate) {
  return backend_->adopt_websocket(fd, handshake, std::move(bytes_behind), deflate);
}
void WholeServer::drain(std::chrono::milliseconds window) {
  backend_->drain(window);
}
void WholeServer::stop() {
  backend_->stop();
}
std::size_t WholeServer::connections() const {
  return backend_->connections();
}
std::size_t WholeServer::subscriptions() const {
  return backend_->subscriptions();
}

void WholeServer::join() {
  backend_->join();
}

ScarceServer::ScarceServer(net::TransportOptions options, HttpHandler http)
    : backend_(backends().scarce(std::move(options), std::move(http))) {}
ScarceServer::~ScarceServer() {
  stop();
}
std::uint16_t ScarceServer::port() const noexcept {
  return backend_->port();
}
ScarceServer::Counts ScarceServer::counts() {
  Counts counts;
  on_io_thread([&] { counts = backend_->counts(); });
  return counts;
}
void ScarceServer::on_io_thread(const std::function<void()>& f) {
  std::promise<void> done;
  backend_->post([&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}
void ScarceServer::publish(const OrderEvent& event) {
  backend_->publish(event);
}
void ScarceServer::disconnect_user(const std::string& user_id, CloseCode code) {
  backend_->disconnect_user(user_id, code);
}
void ScarceServer::begin_drain(std::chrono::milliseconds window) {
  backend_->begin_drain(window);
}
void ScarceServer::stop() {
  backend_->stop();
}

std::string big_order() {
  return R"({"text":")" + std::string(18'000, 'x') + R"("})";
}

void listen_once(const std::string& host, std::uint16_t port) {
  backends().listen_once(host, port);
}

}  // namespace ordercast::test
