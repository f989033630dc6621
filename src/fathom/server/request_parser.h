// Bytes of a connection to requests, one after another, cut anywhere. What is no HTTP/1 or beyond a limit is an
// HttpFault: the answer that the client gets before the connection ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fathom/server/http_message.h"

namespace fathom::server {

struct RequestLimits {
  std::int64_t header_bytes = 32 << 10;  // request line and headers
  std::int64_t body_bytes = 64 << 20;    // without the framing of chunks
};

struct HttpFault {
  int status = 400;
  std::string message;
};

class RequestParser {
 public:
  explicit RequestParser(const RequestLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // How many of the bytes are used up; what is left is to come again with more behind it, or is the next request's.
  // Throws HttpFault.
  std::size_t feed(std::string_view bytes);

  bool begun() const { return begun_; }  // a byte of the request came
  bool head_done() const;
  bool done() const;
  // The client waits for "100 Continue" before it sends its body. Told once.
  bool take_continue();
  std::size_t body_bytes() const;  // so far

  // The request that is done; the parser begins anew.
  HttpRequest take();

 private:
  struct State;
  void check_head();
  void check_body() const;

  RequestLimits limits_;
  std::unique_ptr<State> state_;
  bool begun_ = false;
  bool head_checked_ = false;
  bool continue_ = false;
};

}  // namespace fathom::server
