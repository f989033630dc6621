// One client's connection: reads requests, hands each to the handler, delivers the answer, and keeps the times and
// limits of HttpConfig. Internal to the HTTP server's sources. Three coroutines on one strand:
//
//   run      a request is parsed out of `input_`, handled, its answer written; again
//   receive  socket to `input_`, at all times, so that a client that goes away is noticed at once
//   watch    the one deadline and the one alarm
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "fathom/server/http_server.h"
#include "fathom/server/request_parser.h"
#include "fathom/server/socket_stream.h"

namespace fathom::server {

// What all connections share. Connections keep it alive, and with it what their timers stand on.
struct ServerCore {
  ServerCore(HttpConfig given_config, HttpHooks given_hooks)
      : config(std::move(given_config)), hooks(std::move(given_hooks)) {}

  HttpConfig config;
  HttpHooks hooks;
  HttpFigures figures;
  std::atomic<bool> draining{false};
  std::mutex closing;
  std::condition_variable closed;  // a connection went
  asio::io_context io;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Strand = asio::strand<asio::io_context::executor_type>;

  Connection(std::shared_ptr<ServerCore> core, Strand strand, std::unique_ptr<SocketStream> stream, std::string client);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // From any thread: after the answer it is at; at once.
  void drain();
  void close();

 private:
  class Answer;  // the Exchange
  friend class Answer;
  enum class Phase { handshake, idle, head, body, answering, lingering };

  asio::awaitable<void> run();
  asio::awaitable<void> receive();
  asio::awaitable<void> watch();
  asio::awaitable<bool> read_request();
  asio::awaitable<bool> deliver();
  asio::awaitable<bool> send_all(std::span<const asio::const_buffer> buffers, std::size_t bytes);
  asio::awaitable<void> linger();
  asio::awaitable<void> wait();

  void feed_parser();
  bool account_body();
  void signal();
  void set_deadline(Clock::time_point when);
  void watch_again();
  void deadline_passed();
  void answer_fault(const HttpFault& fault);
  void gone();
  void stop();

  std::shared_ptr<ServerCore> core_;
  Strand strand_;
  std::unique_ptr<SocketStream> stream_;
  std::string client_;
  RequestParser parser_;
  asio::steady_timer wake_;   // run waits on it
  asio::steady_timer space_;  // receive waits on it
  asio::steady_timer watch_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point phase_end_ = Clock::time_point::max();  // of the head or the body as a whole
  Phase phase_ = Phase::handshake;
  std::string input_;
  std::shared_ptr<Answer> answer_;
  std::shared_ptr<std::int64_t> body_share_;
  bool signalled_ = false;
  bool ended_ = false;  // nothing more comes from the client
  bool timed_out_ = false;
  bool closed_ = false;
};

}  // namespace fathom::server
