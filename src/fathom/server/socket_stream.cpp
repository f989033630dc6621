#include "fathom/server/socket_stream.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fathom/base/error.h"

namespace fathom::server {
namespace {

using boost::system::error_code;

class PlainStream final : public SocketStream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<bool> handshake() override { co_return true; }

  asio::awaitable<std::size_t> read_some(std::span<char> buffer) override {
    error_code error;
    const std::size_t bytes = co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                               asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : bytes;
  }

  asio::awaitable<std::size_t> write_some(std::span<const asio::const_buffer> buffers) override {
    error_code error;
    const std::size_t bytes =
        co_await socket_.async_write_some(buffers, asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : bytes;
  }

  asio::awaitable<void> shut_down() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  tcp::socket socket_;
};

class TlsStream final : public SocketStream {
 public:
  TlsStream(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  asio::awaitable<bool> handshake() override {
    error_code error;
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<std::size_t> read_some(std::span<char> buffer) override {
    error_code error;
    const std::size_t bytes = co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                               asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : bytes;
  }

  asio::awaitable<std::size_t> write_some(std::span<const asio::const_buffer> buffers) override {
    error_code error;
    const std::size_t bytes =
        co_await stream_.async_write_some(buffers, asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : bytes;
  }

  asio::awaitable<void> shut_down() override {
    error_code ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  }

  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<SocketStream> plain_stream(tcp::socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

std::unique_ptr<SocketStream> tls_stream(tcp::socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsStream>(std::move(socket), context);
}

asio::ssl::context tls_context(const std::string& certificate_file, const std::string& key_file) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  error_code error;
  context.use_certificate_chain_file(certificate_file, error);
  if (error)
    throw InputError("[tls] {}: found {}, expected a certificate chain in PEM", certificate_file, error.message());
  context.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) throw InputError("[tls] {}: found {}, expected the certificate's key in PEM", key_file, error.message());
  return context;
}

}  // namespace fathom::server
