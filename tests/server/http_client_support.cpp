#include "tests/server/http_client_support.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace fathom::testing {
namespace {

constexpr int kPatience = 20'000;  // milliseconds

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("http client: " + what); }

}  // namespace

std::string ReceivedAnswer::header(std::string_view name) const {
  for (const server::HttpHeader& header : headers)
    if (server::equal_without_case(header.name, name)) return header.value;
  return {};
}

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         const std::vector<server::HttpHeader>& headers) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\nhost: test\r\n", method, target);
  for (const auto& [name, value] : headers) out += fmt::format("{}: {}\r\n", name, value);
  if (!body.empty()) out += fmt::format("content-length: {}\r\n", body.size());
  return out + "\r\n" + std::string(body);
}

HttpClient::HttpClient(int port, int receive_buffer) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  ::close(socket_);
  fail(fmt::format("no connection to port {}: errno {}", port, errno));
}

HttpClient::~HttpClient() {
  if (socket_ >= 0) ::close(socket_);
}

bool HttpClient::try_send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd asked{.fd = socket_, .events = POLLOUT, .revents = 0};
    if (::poll(&asked, 1, kPatience) <= 0) fail("the server takes no bytes");
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void HttpClient::send(std::string_view bytes) {
  if (!try_send(bytes)) fail("the server has closed the connection");
}

void HttpClient::half_close() { ::shutdown(socket_, SHUT_WR); }

void HttpClient::vanish() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(socket_);
  socket_ = -1;
}

bool HttpClient::receive() {
  pollfd asked{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&asked, 1, kPatience) <= 0) fail("the server says nothing more after: " + received_);
  char buffer[16 << 10];
  const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  received_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

std::string HttpClient::read_until(std::string_view text) {
  std::size_t found = 0;
  while ((found = received_.find(text)) == std::string::npos)
    if (!receive()) fail(fmt::format("the connection ended before \"{}\" came, after: {}", text, received_));
  std::string out = received_.substr(0, found + text.size());
  received_.erase(0, found + text.size());
  return out;
}

void HttpClient::wait_for(std::string_view text) {
  std::size_t found = 0;
  while ((found = received_.find(text, looked_at_)) == std::string::npos)
    if (!receive()) fail(fmt::format("the connection ended before \"{}\" came, after: {}", text, received_));
  looked_at_ = found + text.size();
}

std::string HttpClient::read_to_end() {
  while (receive()) {
  }
  return std::exchange(received_, {});
}

bool HttpClient::closed_by_server() { return received_.empty() && !receive(); }

ReceivedAnswer HttpClient::read_answer(bool to_head) {
  looked_at_ = 0;
  ReceivedAnswer answer;
  const std::string head = read_until("\r\n\r\n");
  if (!head.starts_with("HTTP/1.1 ")) fail("no status line: " + head);
  answer.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size() - 2;) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    if (colon == std::string::npos || colon > end) fail("no header: " + head.substr(at, end - at));
    answer.headers.push_back({head.substr(at, colon - at), head.substr(colon + 2, end - colon - 2)});
    at = end + 2;
  }
  answer.whole = true;
  if (to_head || answer.status == 204 || answer.status == 100) return answer;
  if (const std::string length = answer.header("content-length"); !length.empty()) {
    const std::size_t bytes = std::stoull(length);
    while (received_.size() < bytes && answer.whole) answer.whole = receive();
    answer.body = received_.substr(0, bytes);
    received_.erase(0, answer.body.size());
  } else if (answer.header("transfer-encoding") == "chunked") {
    try {
      for (std::size_t bytes = 1; bytes > 0;) {
        bytes = std::stoull(read_until("\r\n"), nullptr, 16);
        while (received_.size() < bytes + 2)
          if (!receive()) fail("the connection ended inside a chunk");
        answer.body += received_.substr(0, bytes);
        if (received_.substr(bytes, 2) != "\r\n") fail("a chunk does not end in a line break");
        received_.erase(0, bytes + 2);
      }
    } catch (const std::runtime_error&) {
      answer.whole = false;
    }
  } else {
    answer.body = read_to_end();
  }
  return answer;
}

ReceivedAnswer ask(int port, std::string_view method, std::string_view target, std::string_view body,
                   const std::vector<server::HttpHeader>& headers) {
  HttpClient client(port);
  client.send(request_text(method, target, body, headers));
  return client.read_answer(method == "HEAD");
}

}  // namespace fathom::testing
