#include "fathom/server/request_parser.h"

#include <fmt/format.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>

namespace fathom::server {
namespace {

namespace http = boost::beast::http;

HttpFault fault_of(const boost::beast::error_code& error, const RequestLimits& limits) {
  if (error == http::error::header_limit)
    return {431, fmt::format("The request's headers are longer than {} bytes", limits.header_bytes)};
  if (error == http::error::bad_version) return {400, "The request is no HTTP/1.0 or HTTP/1.1"};
  return {400, fmt::format("The request is no HTTP: {}", error.message())};
}

}  // namespace

struct RequestParser::State {
  http::request_parser<http::string_body> parser;
};

RequestParser::RequestParser(const RequestLimits& limits) : limits_(limits) { (void)take(); }

RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
  std::size_t used = 0;
  auto& parser = state_->parser;
  if (!begun_)  // empty lines before a request are not part of it
    while (used < bytes.size() && (bytes[used] == '\r' || bytes[used] == '\n')) ++used;
  while (!parser.is_done()) {
    const std::string_view rest = bytes.substr(used);
    begun_ = begun_ || !rest.empty();
    boost::beast::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += taken;
    if (error == http::error::need_more) break;
    if (error) throw fault_of(error, limits_);
    if (parser.is_header_done() && !head_checked_) check_head();  // before room is made for the body
    if (taken == 0) break;
    check_body();
  }
  check_body();
  return used;
}

void RequestParser::check_head() {
  head_checked_ = true;
  auto& parser = state_->parser;
  parser.eager(true);
  const auto& head = parser.get();
  if (const auto length = parser.content_length(); length && *length > static_cast<std::uint64_t>(limits_.body_bytes))
    throw HttpFault{413, fmt::format("The request's body has {} bytes, the limit is {}", *length, limits_.body_bytes)};
  const auto encoding = head[http::field::content_encoding];
  if (!encoding.empty() && !boost::beast::iequals(encoding, "identity"))
    throw HttpFault{415, fmt::format("The request's content-encoding is {}, only identity is read",
                                     std::string_view(encoding.data(), encoding.size()))};
  const auto transfer = head[http::field::transfer_encoding];
  if (!transfer.empty() && !boost::beast::iequals(transfer, "chunked"))
    throw HttpFault{501, fmt::format("The request's transfer-encoding is {}, only chunked is read",
                                     std::string_view(transfer.data(), transfer.size()))};
  const auto expected = head[http::field::expect];
  if (expected.empty()) return;
  if (!boost::beast::iequals(expected, "100-continue"))
    throw HttpFault{417, fmt::format("The request expects {}, only 100-continue is known",
                                     std::string_view(expected.data(), expected.size()))};
  continue_ = head.version() >= 11 && !parser.is_done();
}

void RequestParser::check_body() const {
  if (const std::size_t bytes = body_bytes(); bytes > static_cast<std::size_t>(limits_.body_bytes))
    throw HttpFault{413,
                    fmt::format("The request's body has {} bytes or more, the limit is {}", bytes, limits_.body_bytes)};
}

bool RequestParser::head_done() const { return state_->parser.is_header_done(); }
bool RequestParser::done() const { return state_->parser.is_done(); }
std::size_t RequestParser::body_bytes() const { return state_->parser.get().body().size(); }

bool RequestParser::take_continue() { return std::exchange(continue_, false); }

HttpRequest RequestParser::take() {
  HttpRequest request;
  if (state_) {
    http::request<http::string_body> parsed = state_->parser.release();
    request.method = std::string(parsed.method_string());
    request.target = std::string(parsed.target());
    request.minor = parsed.version() == 10 ? 0 : 1;
    request.keep_alive = parsed.keep_alive();
    for (const auto& field : parsed)
      request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    request.body = std::move(parsed.body());
  }
  state_ = std::make_unique<State>();
  state_->parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
  state_->parser.body_limit(boost::none);  // told with both figures by check_head and check_body
  state_->parser.eager(false);
  begun_ = head_checked_ = continue_ = false;
  return request;
}

}  // namespace fathom::server
