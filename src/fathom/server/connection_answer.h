// The Exchange of one request of a connection, and what of its answer the client has not taken yet. Internal to the
// HTTP server's sources.
#pragma once

#include "fathom/server/connection.h"

namespace fathom::server {

class Connection::Answer final : public Exchange {
 public:
  Answer(std::shared_ptr<Connection> connection, HttpRequest request, std::shared_ptr<void> body_share);

  void post(std::function<void()> work) override;
  const HttpRequest& request() const override { return request_; }
  ReceivedBody take_body() override;
  void respond(HttpResponse response) override;
  void begin(int status, std::vector<HttpHeader> headers) override;
  void write(std::string_view bytes, Clock::time_point born) override;
  void end() override;
  void on_gone(std::function<void()> act) override;
  void alarm(Clock::time_point when, std::function<void()> act) override;

  // For the connection.
  struct Piece {
    std::string bytes;
    Clock::time_point born{};
    bool empty() const { return bytes.empty(); }
  };
  // What has gathered, framed for the wire; it counts as unsent until the next call.
  Piece take_pending();
  bool over() const { return over_; }
  bool keep_alive() const { return keep_alive_; }
  // The client is gone, or the connection is done with this answer. Tells who answers, if it does not know yet.
  void finish(bool client_gone);
  Clock::time_point alarm_time() const { return alarm_time_; }
  void ring();

 private:
  std::vector<HttpHeader> with_common(std::vector<HttpHeader> headers) const;
  void settle();

  std::shared_ptr<Connection> connection_;
  HttpRequest request_;
  std::shared_ptr<void> body_share_;
  std::string head_;
  std::string pending_;
  bool last_chunk_due_ = false;
  Clock::time_point born_{};
  std::size_t unsent_ = 0;  // taken by the connection, not yet by the socket
  HttpFraming framing_;
  bool begun_ = false;
  bool cut_off_ = false;
  bool over_ = false;  // whole, or its client gone
  bool keep_alive_ = true;
  std::function<void()> gone_;
  std::function<void()> alarm_;
  Clock::time_point alarm_time_ = Clock::time_point::max();
};

}  // namespace fathom::server
