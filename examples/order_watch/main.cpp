// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "view.hpp"
#include "watch.hpp"

#include <asio/io_context.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace order_watch;  // NOLINT(google-build-using-namespace): this is its main.

std::unique_ptr<View> make_view(const Options& options) {
  if (options.json) return make_json_view();
  if (options.table) return make_table_view(options.http_url, options.color);
  return make_line_view();
}

void complain(const std::string& text) {
  std::fprintf(stderr, "order_watch: %s\n", text.c_str());
}

int run(Options options) {
  asio::io_context io(1);
  std::string last_words;
  int code = exit_ok;
  {
    auto view = make_view(options);
    Watch watch(io, std::move(options), std::move(view));
    watch.start();
    io.run();
    code = watch.exit_code();
    last_words = watch.last_words();
  }  // Restores the terminal before anything else is printed.
  if (!last_words.empty()) complain(last_words);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ::signal(SIGPIPE, SIG_IGN);  // The write reports a reader that has gone.
    auto parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (const auto* end = std::get_if<OptionsExit>(&parsed)) {
      std::fputs(end->out.c_str(), stdout);
      if (!end->error.empty()) complain(end->error + " (--help lists all options)");
      return end->code;
    }
    return run(std::get<Options>(std::move(parsed)));
  } catch (const std::exception& error) {
    complain(error.what());
    return exit_failure;
  }
}
