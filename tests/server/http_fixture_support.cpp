#include "tests/server/http_fixture_support.h"

#include "fathom/base/error.h"

namespace fathom::testing {

using namespace std::chrono_literals;
using server::Clock;
using server::Exchange;
using server::HttpFault;
using server::HttpRequest;
using server::HttpResponse;

server::HttpConfig config_for_tests() {
  server::HttpConfig config;
  config.port = 0;
  config.limits = {.header_bytes = 4096, .body_bytes = 1 << 20};
  return config;
}

HttpFixture::HttpFixture(const server::HttpConfig& config)
    : server_(config, {.handler = [this](std::shared_ptr<Exchange> exchange) { handle(exchange); },
                       .fault =
                           [](const HttpFault& fault, const HttpRequest& request) {
                             check_equal(request.trace_id.size(), 32U, "digits of a trace id");
                             return HttpResponse{.status = fault.status, .headers = {}, .body = fault.message};
                           },
                       .on_token_written = [this](double) { ++written_; },
                       .on_internal_error =
                           [this](std::string_view what) {
                             const std::scoped_lock lock(mutex_);
                             internal_error_ = what;
                           }}) {}

HttpFixture::~HttpFixture() {
  server_.close();
  for (std::thread& thread : threads_) thread.join();
}

std::string HttpFixture::internal_error() {
  const std::scoped_lock lock(mutex_);
  return internal_error_;
}

void HttpFixture::stream(const std::shared_ptr<Exchange>& exchange) {
  const int pieces = std::stoi(exchange->request().target.substr(8));
  exchange->begin(200, {{"content-type", "text/event-stream"}});
  const std::scoped_lock lock(mutex_);
  threads_.emplace_back([exchange, pieces] {
    for (int i = 0; i < pieces; ++i)
      exchange->post([exchange, i] { exchange->write("data: " + std::to_string(i) + "\n\n", Clock::now()); });
    exchange->post([exchange] { exchange->end(); });
  });
}

void HttpFixture::handle(const std::shared_ptr<Exchange>& exchange) {
  const std::string path = exchange->request().path();
  exchange->on_gone([this] { ++gone_; });
  if (path == "/echo") {
    const server::ReceivedBody body = exchange->take_body();
    exchange->respond({.status = 200, .headers = {{"content-type", "text/plain"}}, .body = body.bytes});
  } else if (path == "/stream") {
    stream(exchange);
  } else if (path == "/flood") {
    exchange->begin(200, {});
    for (int i = 0; i < 64; ++i) exchange->write(std::string(1 << 20, 'x'));
  } else if (path == "/large") {
    exchange->respond({.status = 200, .headers = {}, .body = std::string(32 << 20, 'x')});
  } else if (path == "/alarm") {
    exchange->begin(200, {});
    exchange->alarm(Clock::now() + 1ms, [exchange] {
      exchange->write("first");
      exchange->alarm(Clock::now() + 1ms, [exchange] {
        exchange->write(" second");
        exchange->end();
        exchange->write(" never");
        exchange->end();
        exchange->respond({.status = 500, .headers = {}, .body = ""});
      });
    });
  } else if (path == "/throw") {
    throw InternalError("a promise was broken");
  } else if (path == "/open") {
    exchange->begin(200, {});
    exchange->write("begun");
  } else if (path == "/silent") {
  } else {
    exchange->respond({.status = 404, .headers = {}, .body = exchange->request().method + " " + path});
  }
}

}  // namespace fathom::testing
