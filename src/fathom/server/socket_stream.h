// A connected socket, plain or with TLS: what a connection reads and writes. Internal to the HTTP server's sources;
// brings Asio along.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fathom::server {

namespace asio = boost::asio;
using asio::ip::tcp;

class SocketStream {
 public:
  virtual ~SocketStream() = default;
  // False: the peer does not speak TLS.
  virtual asio::awaitable<bool> handshake() = 0;
  // 0: the end, or an error.
  virtual asio::awaitable<std::size_t> read_some(std::span<char> buffer) = 0;
  virtual asio::awaitable<std::size_t> write_some(std::span<const asio::const_buffer> buffers) = 0;
  // Tells the peer that nothing more comes.
  virtual asio::awaitable<void> shut_down() = 0;
  // At once; what is read or written ends.
  virtual void close() = 0;
};

std::unique_ptr<SocketStream> plain_stream(tcp::socket socket);
// The context outlives the stream.
std::unique_ptr<SocketStream> tls_stream(tcp::socket socket, asio::ssl::context& context);

// InputError naming the file that cannot be used.
asio::ssl::context tls_context(const std::string& certificate_file, const std::string& key_file);

}  // namespace fathom::server
