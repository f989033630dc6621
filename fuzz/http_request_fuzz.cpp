// Any bytes of a connection: requests within their limits or a fault with a status; and the same requests wherever the
// bytes are cut.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/server/request_parser.h"

namespace fathom::server {
namespace {

constexpr RequestLimits kLimits{.header_bytes = 2048, .body_bytes = 4096};

struct Parsed {
  std::vector<std::string> requests;
  int fault = 0;
  bool half_head = false;  // the bytes end inside a request's head
};

std::string printed(const HttpRequest& request) {
  check(std::ssize(request.body) <= kLimits.body_bytes, "a body within its limit");
  std::string out = request.method + " " + request.target + " " + request.path() + (request.keep_alive ? " +" : " -");
  for (const HttpHeader& header : request.headers) out += "|" + header.name + ":" + header.value;
  return out + "|" + request.body;
}

Parsed parse(std::string_view bytes, std::size_t cut) {
  RequestParser parser(kLimits);
  Parsed parsed;
  std::string input;
  try {
    while (true) {
      const std::size_t used = parser.feed(input);
      check(used <= input.size(), "no more bytes used than there were");
      input.erase(0, used);
      if (parser.done()) {
        parsed.requests.push_back(printed(parser.take()));
      } else if (bytes.empty()) {
        parsed.half_head = parser.begun() && !parser.head_done();
        return parsed;
      } else {
        const std::size_t more = std::min(cut, bytes.size());
        input += bytes.substr(0, more);
        bytes.remove_prefix(more);
      }
    }
  } catch (const HttpFault& fault) {
    check(fault.status >= 400 && fault.status < 600 && !fault.message.empty(), "a fault has a status and a reason");
    parsed.fault = fault.status;
  }
  return parsed;
}

}  // namespace
}  // namespace fathom::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fathom;  // NOLINT(google-build-using-namespace): one function
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const server::Parsed whole = server::parse(bytes, bytes.size() + 1);
  const server::Parsed pieces = server::parse(bytes, 1 + data[0] % 64);
  check(whole.requests == pieces.requests, "the same requests wherever the bytes are cut");
  // Of half a head more may be known the smaller the pieces were.
  const bool same = (whole.fault == 0) == (pieces.fault == 0);
  check(same || whole.half_head || pieces.half_head, "a fault is one wherever the bytes are cut");
  return 0;
}
