#include "fathom/server/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fathom/server/connection_answer.h"
#include "fathom/server/identifiers.h"

namespace fathom::server {
namespace {

constexpr std::size_t kReadBytes = 32 << 10;     // a read of the socket
constexpr std::size_t kInputBytes = 64 << 10;    // read ahead of what is parsed
constexpr std::size_t kProgressBytes = 4 << 10;  // of an answer, that count as the client's reading
constexpr std::size_t kLingerBytes = 1 << 20;    // still read from a client whose request was refused
constexpr std::chrono::seconds kLinger{2};
constexpr auto kNever = Clock::time_point::max();

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, Strand strand, std::unique_ptr<SocketStream> stream,
                       std::string client)
    : core_(std::move(core)),
      strand_(std::move(strand)),
      stream_(std::move(stream)),
      client_(std::move(client)),
      parser_(core_->config.limits),
      wake_(strand_, kNever),
      space_(strand_, kNever),
      watch_(strand_, kNever) {
  ++core_->figures.open;
}

Connection::~Connection() {
  const std::scoped_lock lock(core_->closing);
  --core_->figures.open;
  core_->closed.notify_all();
}

void Connection::start() {
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->run(); }, asio::detached);
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->watch(); }, asio::detached);
}

void Connection::drain() {
  asio::post(strand_, [self = shared_from_this()] {
    if (self->phase_ == Phase::idle) self->stop();
  });
}

void Connection::close() {
  asio::post(strand_, [self = shared_from_this()] { self->gone(); });
}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  set_deadline(Clock::now() + core_->config.header_timeout);
  const bool greeted = co_await stream_->handshake();
  bool going_on = greeted && !closed_;
  if (going_on)
    asio::co_spawn(
        strand_, [self] { return self->receive(); }, asio::detached);
  while (going_on) {
    going_on = co_await read_request();
    if (closed_ || answer_ == nullptr) break;
    const bool delivered = co_await deliver();
    going_on = going_on && delivered && answer_->keep_alive() && !core_->draining;
    answer_->finish(!delivered);
    answer_.reset();
    if (delivered && !going_on) co_await linger();
  }
  stop();
}

// Whether the connection can go on after the answer. Without an answer_ there is nothing to say.
asio::awaitable<bool> Connection::read_request() {
  const HttpConfig& config = core_->config;
  phase_ = Phase::idle;
  set_deadline(Clock::now() + config.idle_timeout);
  std::optional<HttpFault> fault;
  while (true) {
    try {
      feed_parser();
      if (!account_body())
        throw HttpFault{503, "The server is receiving as many bytes of requests as it may. Please try again"};
      if (parser_.done()) break;
    } catch (const HttpFault& found) {
      fault = found;
      break;
    }
    if (closed_ || ended_) co_return false;
    if (timed_out_) {
      if (!parser_.begun()) co_return false;
      fault = HttpFault{408, phase_ == Phase::body ? "The request's body did not come in time"
                                                   : "The request's headers did not come in time"};
      break;
    }
    if (phase_ == Phase::idle && core_->draining) co_return false;
    if (parser_.take_continue()) {
      const asio::const_buffer buffer(kContinue.data(), kContinue.size());
      if (!co_await send_all({&buffer, 1}, kContinue.size())) co_return false;
      continue;
    }
    co_await wait();
  }
  set_deadline(kNever);
  phase_ = Phase::answering;
  if (fault) {
    (void)parser_.take();  // what came of it is of no use, and others wait for its room
    body_share_.reset();
    answer_fault(*fault);
    co_return false;
  }
  HttpRequest request = parser_.take();
  request.client = client_;
  request.trace_id = draw_trace_id();
  answer_ = std::make_shared<Answer>(shared_from_this(), std::move(request), std::exchange(body_share_, nullptr));
  try {
    core_->hooks.handler(answer_);
  } catch (const std::exception& error) {  // a handler answers its own faults; this one did not
    core_->hooks.on_internal_error(error.what());
    answer_->respond(
        core_->hooks.fault({500, "The server had an error while processing your request"}, answer_->request()));
  }
  co_return true;
}

void Connection::feed_parser() {
  const std::size_t used = parser_.feed(input_);
  input_.erase(0, used);
  if (used > 0) space_.cancel();
  const HttpConfig& config = core_->config;
  if (parser_.done() || timed_out_) return;
  const auto now = Clock::now();
  if (parser_.begun() && phase_ == Phase::idle) {
    phase_ = Phase::head;
    phase_end_ = now + config.header_timeout;
    set_deadline(phase_end_);
  }
  if (parser_.head_done()) {
    if (phase_ != Phase::body) phase_end_ = now + config.body_timeout;
    phase_ = Phase::body;
    if (used > 0) set_deadline(std::min(phase_end_, now + config.stall_timeout));
  }
}

// The body's part of what all bodies may take.
bool Connection::account_body() {
  if (parser_.body_bytes() == 0) return true;
  if (!body_share_)
    body_share_ = std::shared_ptr<std::int64_t>(new std::int64_t(0), [core = core_](std::int64_t* bytes) {
      core->figures.bodies_bytes -= *bytes;
      delete bytes;
    });
  const std::int64_t more = static_cast<std::int64_t>(parser_.body_bytes()) - *body_share_;
  *body_share_ += more;
  return (core_->figures.bodies_bytes += more) <= core_->config.bodies_bytes;
}

void Connection::answer_fault(const HttpFault& fault) {
  HttpRequest request;  // what came is not to be trusted
  request.client = client_;
  request.trace_id = draw_trace_id();
  request.keep_alive = false;
  answer_ = std::make_shared<Answer>(shared_from_this(), request, nullptr);
  answer_->respond(core_->hooks.fault(fault, request));
}

// Whether the whole answer went out.
asio::awaitable<bool> Connection::deliver() {
  while (!closed_) {
    const Answer::Piece piece = answer_->take_pending();
    if (!piece.empty()) {
      const asio::const_buffer buffer(piece.bytes.data(), piece.bytes.size());
      if (!co_await send_all({&buffer, 1}, piece.bytes.size())) break;
      if (piece.born != Clock::time_point{})
        core_->hooks.on_token_written(std::chrono::duration<double>(Clock::now() - piece.born).count());
    } else if (answer_->over()) {
      co_return true;
    } else if (ended_) {
      break;
    } else {
      co_await wait();
    }
  }
  gone();
  co_return false;
}

asio::awaitable<bool> Connection::send_all(std::span<const asio::const_buffer> buffers, std::size_t bytes) {
  std::vector<asio::const_buffer> left(buffers.begin(), buffers.end());
  const auto patience = core_->config.stall_timeout;
  if (phase_ == Phase::answering) set_deadline(Clock::now() + patience);
  std::size_t counted = 0;  // of this deadline
  while (bytes > 0) {
    const std::size_t sent = co_await stream_->write_some(left);
    if (sent == 0 || closed_) co_return false;
    core_->figures.bytes_out += static_cast<std::int64_t>(sent);
    bytes -= sent;
    counted += sent;
    for (std::size_t drop = sent; drop > 0;) {
      const std::size_t part = std::min(drop, left.front().size());
      left.front() += part;
      drop -= part;
      if (left.front().size() == 0) left.erase(left.begin());
    }
    if (phase_ == Phase::answering && counted >= kProgressBytes) {
      counted = 0;
      set_deadline(Clock::now() + patience);
    }
  }
  if (phase_ == Phase::answering) set_deadline(kNever);
  co_return true;
}

// A client that still sends when the socket closes would lose the answer: what comes is read for a while, and dropped.
asio::awaitable<void> Connection::linger() {
  phase_ = Phase::lingering;
  set_deadline(Clock::now() + kLinger);
  co_await stream_->shut_down();
  input_.clear();
  space_.cancel();
  while (!closed_ && !ended_ && !timed_out_) co_await wait();
}

asio::awaitable<void> Connection::receive() {
  const auto self = shared_from_this();
  std::vector<char> buffer(kReadBytes);
  std::size_t dropped = 0;
  while (!closed_) {
    if (phase_ == Phase::lingering) {
      dropped += std::exchange(input_, {}).size();
      if (dropped > kLingerBytes) break;
    }
    if (input_.size() >= kInputBytes) {
      boost::system::error_code ignored;
      co_await space_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    const std::size_t bytes = co_await stream_->read_some(buffer);
    if (bytes == 0) break;
    core_->figures.bytes_in += static_cast<std::int64_t>(bytes);
    input_.append(buffer.data(), bytes);
    if (phase_ != Phase::answering) signal();
  }
  ended_ = true;
  signal();
}

asio::awaitable<void> Connection::watch() {
  const auto self = shared_from_this();
  while (!closed_) {
    const auto alarm = answer_ ? answer_->alarm_time() : kNever;
    watch_.expires_at(std::min(deadline_, alarm));
    boost::system::error_code ignored;
    co_await watch_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (closed_) break;
    const auto now = Clock::now();
    if (const auto answer = answer_; answer && answer->alarm_time() <= now) answer->ring();
    if (deadline_ <= now) deadline_passed();
  }
}

void Connection::deadline_passed() {
  deadline_ = kNever;
  switch (phase_) {
    case Phase::handshake:
    case Phase::lingering: stop(); break;
    case Phase::answering:
      ++core_->figures.cut_off;
      gone();
      break;
    default: timed_out_ = true; signal();
  }
}

void Connection::set_deadline(Clock::time_point when) {
  deadline_ = when;
  watch_again();
}

// The watch looks again, if it would else look too late.
void Connection::watch_again() {
  const auto next = std::min(deadline_, answer_ ? answer_->alarm_time() : kNever);
  if (next < watch_.expiry()) watch_.cancel();
}

asio::awaitable<void> Connection::wait() {
  if (!signalled_) {
    boost::system::error_code ignored;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  signalled_ = false;
}

void Connection::signal() {
  signalled_ = true;
  wake_.cancel();
}

// The client is away, or of no use: the answer ends, and the connection.
void Connection::gone() {
  stop();
  if (const auto answer = answer_) answer->finish(true);
}

void Connection::stop() {
  if (std::exchange(closed_, true)) return;
  stream_->close();
  signal();
  space_.cancel();
  watch_.cancel();
}

}  // namespace fathom::server
