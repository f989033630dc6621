// For tests: a client that is as rude as it is told to be. Blocking, with the patience that only a hanging server uses
// up; whatever goes wrong is a std::runtime_error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/server/http_message.h"

namespace fathom::testing {

struct ReceivedAnswer {
  int status = 0;
  std::vector<server::HttpHeader> headers;
  std::string body;    // of a chunked one, the chunks' contents
  bool whole = false;  // it ended as its framing says, not with the connection

  std::string header(std::string_view name) const;  // empty: there is none
};

std::string request_text(std::string_view method, std::string_view target, std::string_view body = {},
                         const std::vector<server::HttpHeader>& headers = {});

class HttpClient {
 public:
  // `receive_buffer`: bytes the system holds for a client that does not read; 0: as the system likes.
  explicit HttpClient(int port, int receive_buffer = 0);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(std::string_view bytes);
  // False when the server no longer takes bytes.
  bool try_send(std::string_view bytes);
  // Nothing more comes from this side.
  void half_close();
  // Gone without a goodbye: the server's socket gets a reset.
  void vanish();

  // One answer; interim ones (100) are given too, without a body. `to_head`: no body follows.
  ReceivedAnswer read_answer(bool to_head = false);
  // Takes what came, undecoded, up to and with `text`.
  std::string read_until(std::string_view text);
  // Waits for `text` after the last one waited for, and takes nothing.
  void wait_for(std::string_view text);
  // Everything up to the connection's end.
  std::string read_to_end();
  // Waits until the server has closed the connection; false if bytes come instead.
  bool closed_by_server();

 private:
  bool receive();  // false at the end
  int socket_ = -1;
  std::string received_;
  std::size_t looked_at_ = 0;  // of received_, by wait_for
};

// One request on a connection of its own.
ReceivedAnswer ask(int port, std::string_view method, std::string_view target, std::string_view body = {},
                   const std::vector<server::HttpHeader>& headers = {});

}  // namespace fathom::testing
