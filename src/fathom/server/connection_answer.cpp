#include "fathom/server/connection_answer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <ctime>

namespace fathom::server {
namespace {

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", utc);
}

}  // namespace

Connection::Answer::Answer(std::shared_ptr<Connection> connection, HttpRequest request,
                           std::shared_ptr<void> body_share)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      body_share_(std::move(body_share)),
      keep_alive_(request_.keep_alive) {}

void Connection::Answer::post(std::function<void()> work) { asio::post(connection_->strand_, std::move(work)); }

ReceivedBody Connection::Answer::take_body() {
  return {.bytes = std::exchange(request_.body, {}), .share = std::exchange(body_share_, nullptr)};
}

std::vector<HttpHeader> Connection::Answer::with_common(std::vector<HttpHeader> headers) const {
  headers.insert(headers.begin(), {{"date", date_now()}, {"server", "fathom"}});
  headers.push_back({"x-ds-trace-id", request_.trace_id});
  return headers;
}

void Connection::Answer::respond(HttpResponse response) {
  if (over_ || begun_) return;
  begun_ = true;
  settle();
  if (connection_->core_->draining) keep_alive_ = false;
  HttpFraming framing{.length = response.body.size(), .keep_alive = keep_alive_};
  if (response.status == 204 || response.status == 304) framing.kind = HttpFraming::Kind::none;
  pending_ = write_head(response.status, with_common(std::move(response.headers)), framing);
  if (request_.method != "HEAD" && response.status != 204) pending_ += response.body;
  framing_.kind = HttpFraming::Kind::length;
  connection_->signal();
}

void Connection::Answer::begin(int status, std::vector<HttpHeader> headers) {
  if (over_ || begun_) return;
  begun_ = true;
  if (connection_->core_->draining) keep_alive_ = false;
  const bool chunked = request_.minor > 0;
  if (!chunked) keep_alive_ = false;
  framing_.kind = chunked ? HttpFraming::Kind::chunked : HttpFraming::Kind::until_close;
  framing_.keep_alive = keep_alive_;
  head_ = write_head(status, with_common(std::move(headers)), framing_);
  connection_->signal();
}

void Connection::Answer::write(std::string_view bytes, Clock::time_point born) {
  if (over_ || cut_off_ || !begun_ || bytes.empty()) return;
  const auto limit = static_cast<std::size_t>(connection_->core_->config.outbox_bytes);
  if (pending_.size() + unsent_ + bytes.size() > limit) {
    ++connection_->core_->figures.cut_off;
    cut_off_ = true;
    connection_->close();  // later: who writes here is not to be told in the middle of it
    return;
  }
  if (pending_.empty()) born_ = {};
  if (born_ == Clock::time_point{}) born_ = born;
  pending_ += bytes;
  connection_->signal();
}

void Connection::Answer::end() {
  if (over_ || !begun_) return;
  settle();
  last_chunk_due_ = framing_.kind == HttpFraming::Kind::chunked;
  connection_->signal();
}

void Connection::Answer::on_gone(std::function<void()> act) {
  if (!over_) gone_ = std::move(act);
}

void Connection::Answer::alarm(Clock::time_point when, std::function<void()> act) {
  if (over_) return;
  alarm_ = std::move(act);
  alarm_time_ = alarm_ ? when : Clock::time_point::max();
  connection_->watch_again();
}

Connection::Answer::Piece Connection::Answer::take_pending() {
  Piece piece{.bytes = std::exchange(head_, {}), .born = std::exchange(born_, {})};
  if (framing_.kind == HttpFraming::Kind::chunked && !pending_.empty()) {
    piece.bytes += fmt::format("{:x}\r\n", pending_.size());
    piece.bytes += pending_;
    piece.bytes += "\r\n";
  } else {
    piece.bytes += pending_;
  }
  pending_.clear();
  if (std::exchange(last_chunk_due_, false)) piece.bytes += "0\r\n\r\n";
  unsent_ = piece.bytes.size();
  return piece;
}

// Who answers has said all: what it left here, and holds it, goes.
void Connection::Answer::settle() {
  over_ = true;
  gone_ = nullptr;
  alarm_ = nullptr;
  alarm_time_ = Clock::time_point::max();
  body_share_.reset();
}

void Connection::Answer::finish(bool client_gone) {
  const std::function<void()> gone = std::exchange(gone_, nullptr);
  settle();
  if (client_gone && gone) gone();
}

void Connection::Answer::ring() {
  alarm_time_ = Clock::time_point::max();
  if (const std::function<void()> act = std::exchange(alarm_, nullptr)) act();
}

}  // namespace fathom::server
