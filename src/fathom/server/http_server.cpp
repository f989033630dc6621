#include "fathom/server/http_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "fathom/base/error.h"
#include "fathom/server/connection.h"

namespace fathom::server {
namespace {

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";
constexpr int kSendBuffer = 256 << 10;                  // what the system holds for a client that does not read
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the system has no descriptor left

std::string printed(const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  const std::string address = endpoint.address().to_string(error);
  return error ? "?" : address;
}

// One connection's fault, such as no memory left, ends that connection's work alone.
void serve(ServerCore& core) {
  while (true) {
    try {
      core.io.run();
      return;
    } catch (const std::exception& error) {
      core.hooks.on_internal_error(error.what());
    }
  }
}

}  // namespace

struct HttpServer::State {
  explicit State(std::shared_ptr<ServerCore> given_core)
      : core(std::move(given_core)), work(core->io.get_executor()), acceptor(asio::make_strand(core->io)) {}

  void listen();
  asio::awaitable<void> accept();
  void admit(asio::basic_stream_socket<tcp, Connection::Strand> socket);
  template <typename Act>
  void for_each_connection(Act act);
  void close_acceptor();

  std::shared_ptr<ServerCore> core;
  // Threads stay while there is a server: what is posted to them is always done.
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor;
  int port = 0;
  std::mutex mutex;
  std::vector<std::weak_ptr<Connection>> connections;
  std::vector<std::thread> threads;
};

void HttpServer::State::listen() {
  const HttpConfig& config = core->config;
  boost::system::error_code error;
  tcp::resolver resolver(core->io);
  const auto found = resolver.resolve(config.host, std::to_string(config.port), tcp::resolver::passive, error);
  if (error || found.empty())
    throw InputError("[server] host is {}, expected an address of this machine ({})", config.host, error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw InputError("[server] cannot listen on {} port {}: {}", config.host, config.port, error.message());
  port = acceptor.local_endpoint(error).port();
}

asio::awaitable<void> HttpServer::State::accept() {
  while (acceptor.is_open() && !core->draining) {
    boost::system::error_code error;
    auto socket =
        co_await acceptor.async_accept(asio::make_strand(core->io), asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open() || core->draining) break;
    if (error) {
      asio::steady_timer pause(acceptor.get_executor(), kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    admit(std::move(socket));
  }
}

void HttpServer::State::admit(asio::basic_stream_socket<tcp, Connection::Strand> accepted) {
  HttpFigures& figures = core->figures;
  boost::system::error_code error;
  const tcp::endpoint peer = accepted.remote_endpoint(error);
  ++figures.accepted;
  if (error) return;  // gone already
  accepted.set_option(tcp::no_delay(true), error);
  accepted.set_option(asio::socket_base::send_buffer_size(kSendBuffer), error);
  if (figures.open >= core->config.connections) {
    ++figures.refused;
    accepted.non_blocking(true, error);
    if (!tls) accepted.send(asio::buffer(kTooMany), 0, error);  // as far as it goes without waiting
    return;
  }
  const Connection::Strand strand = accepted.get_executor();
  tcp::socket socket(std::move(accepted));
  auto stream = tls ? tls_stream(std::move(socket), *tls) : plain_stream(std::move(socket));
  auto connection = std::make_shared<Connection>(core, strand, std::move(stream), printed(peer));
  {
    const std::scoped_lock lock(mutex);
    if (core->draining) return;  // close() and drain() have seen all that they will see
    std::erase_if(connections, [](const auto& known) { return known.expired(); });
    connections.push_back(connection);
  }
  connection->start();
}

template <typename Act>
void HttpServer::State::for_each_connection(Act act) {
  const std::scoped_lock lock(mutex);
  for (const auto& known : connections)
    if (const auto connection = known.lock()) act(*connection);
}

void HttpServer::State::close_acceptor() {
  core->draining = true;
  asio::post(acceptor.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor.close(ignored);
  });
}

HttpServer::HttpServer(const HttpConfig& config, HttpHooks hooks)
    : state_(std::make_unique<State>(std::make_shared<ServerCore>(config, std::move(hooks)))) {
  if (!config.certificate_file.empty()) state_->tls.emplace(tls_context(config.certificate_file, config.key_file));
  state_->listen();
  asio::co_spawn(
      state_->acceptor.get_executor(), [state = state_.get()] { return state->accept(); }, asio::detached);
  for (int i = 0; i < std::max(1, config.threads); ++i)
    state_->threads.emplace_back([core = state_->core] { serve(*core); });
}

HttpServer::~HttpServer() {
  close();
  state_->work.reset();
  for (std::thread& thread : state_->threads) thread.join();
}

int HttpServer::port() const { return state_->port; }

bool HttpServer::tls() const { return state_->tls.has_value(); }
const HttpFigures& HttpServer::figures() const { return state_->core->figures; }

void HttpServer::close() {
  state_->close_acceptor();
  state_->for_each_connection([](Connection& connection) { connection.close(); });
}

void HttpServer::drain() {
  state_->close_acceptor();
  state_->for_each_connection([](Connection& connection) { connection.drain(); });
}

bool HttpServer::wait_until_closed(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->core->closing);
  return state_->core->closed.wait_for(lock, patience, [&] { return state_->core->figures.open == 0; });
}

}  // namespace fathom::server
