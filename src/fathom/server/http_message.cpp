#include "fathom/server/http_message.h"

#include <fmt/format.h>

#include <algorithm>

namespace fathom::server {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char letter = lower(digit);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& header : headers)
    if (equal_without_case(header.name, name)) return header.value;
  return {};
}

std::string HttpRequest::path() const {
  std::string_view rest = target;
  rest = rest.substr(0, rest.find_first_of("?#"));
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos && rest.front() != '/') {
    const std::size_t slash = rest.find('/', scheme + 3);
    rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  std::string out;
  for (const char letter : decode_percent(rest))
    if (letter != '/' || out.empty() || out.back() != '/') out += letter;
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

std::string write_head(int status, const std::vector<HttpHeader>& headers, const HttpFraming& framing) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const HttpHeader& header : headers) {
    out += header.name;
    out += ": ";
    for (const char letter : header.value)
      if (letter != '\r' && letter != '\n') out += letter;
    out += "\r\n";
  }
  switch (framing.kind) {
    case HttpFraming::Kind::none: break;
    case HttpFraming::Kind::length: out += fmt::format("content-length: {}\r\n", framing.length); break;
    case HttpFraming::Kind::chunked: out += "transfer-encoding: chunked\r\n"; break;
    case HttpFraming::Kind::until_close: break;
  }
  out += framing.keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return out;
}

}  // namespace fathom::server
