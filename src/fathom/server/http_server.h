// HTTP/1.1 on a few threads, with TLS if asked: connections, their time and their memory. What is answered is the
// handler's. No client can hold a thread, or memory beyond the limits.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "fathom/server/exchange.h"
#include "fathom/server/request_parser.h"

namespace fathom::server {

struct HttpConfig {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any that is free
  int threads = 2;
  std::string certificate_file;  // PEM chain; empty: no TLS
  std::string key_file;
  RequestLimits limits;
  std::int64_t bodies_bytes = 1 << 30;  // of all requests that are being received
  std::int64_t connections = 1024;
  std::int64_t outbox_bytes = 4 << 20;  // of an answer that its client has not taken yet
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{300'000};  // whole body
  std::chrono::milliseconds stall_timeout{30'000};  // without a byte of a body, or of an answer taken
  std::chrono::milliseconds idle_timeout{75'000};   // between requests
};

// Since the start, but for `open` and `bodies_bytes`.
struct HttpFigures {
  std::atomic<std::int64_t> open{0};  // connections
  std::atomic<std::int64_t> accepted{0};
  std::atomic<std::int64_t> refused{0};  // beyond the limit of connections
  std::atomic<std::int64_t> cut_off{0};  // did not read
  std::atomic<std::int64_t> bytes_in{0};
  std::atomic<std::int64_t> bytes_out{0};
  std::atomic<std::int64_t> bodies_bytes{0};  // of requests that are being received or prepared
};

// Writes what is answered when the request itself is at fault; such requests do not reach the handler. Of `request`
// only who sent it and the trace id are known.
using FaultWriter = std::function<HttpResponse(const HttpFault& fault, const HttpRequest& request)>;

struct HttpHooks {
  Handler handler;
  FaultWriter fault;
  // Each piece of an answer as the socket has taken it: seconds since its oldest token was sampled. Any thread.
  std::function<void(double seconds)> on_token_written = [](double) {};
  std::function<void(std::string_view what)> on_internal_error = [](std::string_view) {};  // any thread
};

class HttpServer {
 public:
  // Listens, and answers from the first moment. InputError when it cannot: the address, its port, the certificate.
  HttpServer(const HttpConfig& config, HttpHooks hooks);
  // Ends every connection. Nobody may post to an Exchange from here on.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  bool tls() const;
  const HttpFigures& figures() const;
  // Takes no new connection; ends idle ones at once and the others after the answer they are at.
  void drain();
  // Ends every connection at once; whoever answers one is told.
  void close();
  // Until no connection is open, or the time is over; whether none is.
  bool wait_until_closed(std::chrono::milliseconds patience);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fathom::server
