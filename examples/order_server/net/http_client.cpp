// SPDX-License-Identifier: MIT
#include "net/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace order_server {
namespace {

constexpr std::size_t max_reply_bytes = 64UL * 1024;

struct EasyFree {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct MultiFree {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct SlistFree {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using Multi = std::unique_ptr<CURLM, MultiFree>;
using Slist = std::unique_ptr<curl_slist, SlistFree>;

/// libcurl must be initialized once, before threads use it; a static's initialization does that.
void require_curl() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw std::runtime_error("libcurl can't be initialized");
}

Slist list_of(const std::vector<std::string>& lines) {
  Slist list;
  for (const auto& line : lines) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

bool is_loopback_url(std::string_view url) {
  for (const std::string_view start : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (url.substr(0, start.size()) != start) continue;
    const auto rest = url.substr(start.size());
    return rest.empty() || rest.front() == ':' || rest.front() == '/';
  }
  return false;
}

/// Returns true if the URL has no port, or one from 1 to 65535.
bool has_good_port(std::string_view url) {
  const auto start = url.find("://") + 3;
  const auto authority = url.substr(start, url.find('/', start) - start);
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return !authority.empty();
  const auto port = authority.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return colon > 0 && error == std::errc{} && stop == port.data() + port.size() && number > 0;
}

}  // namespace

struct HttpClient::State {
  /// One request in progress. It must not move: libcurl points into it.
  struct Transfer {
    HttpCall call;
    Done done;
    Slist headers;
    HttpReply reply;
    Easy easy;
  };

  explicit State(HttpClientOptions options_in) : options(std::move(options_in)) {
    require_curl();
    multi.reset(curl_multi_init());
    if (!multi) throw std::bad_alloc();
    curl_multi_setopt(multi.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options.connections));
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi.get(), easy);
  }

  static std::size_t collect(const char* bytes, std::size_t size, std::size_t count, void* into) {
    auto& body = *static_cast<std::string*>(into);
    if (body.size() + size * count > max_reply_bytes) return 0;  // stops the transfer
    body.append(bytes, size * count);
    return size * count;
  }

  void set_up(Transfer& transfer) const {
    CURL* easy = transfer.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, transfer.call.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                     is_loopback_url(transfer.call.url) ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);  // prefer a new stream to a new connection
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // ignore proxies from the environment
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ordercast");
    if (!transfer.call.is_get) {
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.call.body.c_str());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(transfer.call.body.size()));
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    if (!transfer.call.basic_auth.empty()) {
      curl_easy_setopt(easy, CURLOPT_USERPWD, transfer.call.basic_auth.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &State::collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer.reply.body);
  }

  /// Removes a transfer and fills its reply.
  std::unique_ptr<Transfer> finish(CURL* easy, CURLcode code) {
    curl_multi_remove_handle(multi.get(), easy);
    const auto found = transfers.find(easy);
    auto transfer = std::move(found->second);
    transfers.erase(found);
    auto& reply = transfer->reply;
    if (code != CURLE_OK) {
      reply.error = curl_easy_strerror(code);
      return transfer;
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    reply.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(retry_after, 0, 24 * 3600));
    return transfer;
  }

  const HttpClientOptions options;
  Multi multi;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;
};

HttpClient::HttpClient(const HttpClientOptions& options)
    : state_(std::make_unique<State>(options)) {}

HttpClient::~HttpClient() = default;

void HttpClient::start(HttpCall call, Done done) {
  auto transfer = std::make_unique<State::Transfer>();
  transfer->call = std::move(call);
  transfer->done = std::move(done);
  transfer->headers = list_of(transfer->call.headers);
  transfer->easy.reset(curl_easy_init());
  if (!transfer->easy) throw std::bad_alloc();
  state_->set_up(*transfer);
  CURL* easy = transfer->easy.get();
  state_->transfers.emplace(easy, std::move(transfer));
  curl_multi_add_handle(state_->multi.get(), easy);
}

void HttpClient::poll(std::chrono::milliseconds timeout) {
  CURLM* multi = state_->multi.get();
  int running = 0;
  curl_multi_perform(multi, &running);
  int left = 0;
  CURLMsg* message = curl_multi_info_read(multi, &left);
  if (message == nullptr) {
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(timeout.count()), nullptr);
    curl_multi_perform(multi, &running);
    message = curl_multi_info_read(multi, &left);
  }
  for (; message != nullptr; message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto transfer = state_->finish(message->easy_handle, message->data.result);
    transfer->done(std::move(transfer->reply));
  }
}

void HttpClient::wake() {
  curl_multi_wakeup(state_->multi.get());
}

HttpReply HttpClient::fetch(HttpCall call) {
  HttpReply answer;
  bool is_done = false;
  start(std::move(call), [&](HttpReply reply) {
    answer = std::move(reply);
    is_done = true;
  });
  while (!is_done) poll(std::chrono::seconds(1));
  return answer;
}

std::size_t HttpClient::in_flight() const noexcept {
  return state_->transfers.size();
}

bool is_service_url(const std::string& url) {
  constexpr std::string_view https = "https://";
  const bool is_secure = url.compare(0, https.size(), https) == 0 && url.size() > https.size();
  return (is_secure || is_loopback_url(url)) && url.back() != '/' &&
         url.find_first_of("?# @\\") == std::string::npos && has_good_port(url);
}

}  // namespace order_server
