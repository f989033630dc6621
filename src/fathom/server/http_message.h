// A request and an answer of HTTP/1.1, whole, as plain data. Names of headers are compared without case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom::server {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method;
  std::string target;  // as it came
  int minor = 1;       // of HTTP/1.x
  std::vector<HttpHeader> headers;
  std::string body;
  bool keep_alive = true;
  std::string client;    // address of the peer
  std::string trace_id;  // 32 hex digits, drawn by the server

  // The first of that name, or empty.
  std::string_view header(std::string_view name) const;
  // Decoded, without query, scheme and host; no slash is doubled and none ends it: "/v1/models", "/".
  std::string path() const;
};

struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
};

bool equal_without_case(std::string_view a, std::string_view b);
std::string_view reason_phrase(int status);
// What surrounds a body: its length, or none, for one that comes in chunks or ends with the connection.
struct HttpFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::length;
  std::size_t length = 0;
  bool keep_alive = true;
};
// Status line, headers and the empty line. Line breaks in a header's value are left out.
std::string write_head(int status, const std::vector<HttpHeader>& headers, const HttpFraming& framing);

}  // namespace fathom::server
