// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <asio/post.hpp>
#include <curl/curl.h>

#include <memory>
#include <string_view>
#include <utility>

namespace order_watch {
namespace {

constexpr std::size_t max_answer_bytes = 4 * 1024 * 1024;

struct SlistFree {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistFree>;

void append(Slist& list, const std::string& field) {
  if (auto* longer = curl_slist_append(list.get(), field.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

std::size_t collect(const char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > max_answer_bytes) return 0;  // Stops the transfer.
  body.append(bytes, size * count);
  return size * count;
}

int is_ending(void* flag, curl_off_t /*dltotal*/, curl_off_t /*dlnow*/, curl_off_t /*ultotal*/,
              curl_off_t /*ulnow*/) {
  return static_cast<std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

}  // namespace

HttpWorker::HttpWorker(asio::io_context& io) : executor_(io.get_executor()) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_ = std::thread([this] { run(); });
}

HttpWorker::~HttpWorker() {
  ending_ = true;
  {
    const std::lock_guard lock(mutex_);
    jobs_.clear();
  }
  wake_.notify_one();
  thread_.join();
  curl_global_cleanup();
}

void HttpWorker::ask(HttpRequest request, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() < max_waiting) {
      jobs_.push_back({std::move(request), std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  asio::post(executor_, [done = std::move(done)] {
    done({0, {}, "too many requests are waiting"});
  });
}

void HttpWorker::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    auto answer = perform(job.request);
    if (ending_) return;
    asio::post(executor_, [done = std::move(job.done), answer = std::move(answer)]() mutable {
      done(std::move(answer));
    });
  }
}

HttpAnswer HttpWorker::perform(const HttpRequest& request) {
  // Use a new handle for each request: the server closes the connection after each answer.
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  if (!curl) return {0, {}, "libcurl can't be initialized"};
  HttpAnswer answer;
  Slist fields;
  char why[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) {
    curl_easy_setopt(curl.get(), option, value);
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOPROXY, "*");  // Use no proxy, as the socket uses none.
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, 10'000L);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(why));
  set(CURLOPT_WRITEFUNCTION, &collect);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&answer.body));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &is_ending);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&ending_));
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.bearer.empty()) append(fields, "Authorization: Bearer " + request.bearer);
  if (!request.body.empty()) {
    append(fields, "Content-Type: application/json");
    append(fields, "Expect:");
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  set(CURLOPT_HTTPHEADER, fields.get());
  const auto result = curl_easy_perform(curl.get());
  if (result != CURLE_OK) {
    return {0, {}, why[0] != '\0' ? why : curl_easy_strerror(result)};
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace order_watch
