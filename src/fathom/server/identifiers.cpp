#include "fathom/server/identifiers.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>

#include "fathom/base/error.h"

namespace fathom::server {
namespace {

std::array<std::uint8_t, 16> draw_bytes() {
  std::array<std::uint8_t, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw InternalError("[server] the system gave no random bytes");
  return bytes;
}

std::string to_hex(const std::array<std::uint8_t, 16>& bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace

std::string draw_uuid() {
  auto bytes = draw_bytes();
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  const std::string text = to_hex(bytes);
  const std::string_view digits = text;
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                     digits.substr(16, 4), digits.substr(20));
}

std::string draw_trace_id() { return to_hex(draw_bytes()); }

std::uint64_t draw_seed() {
  const auto bytes = draw_bytes();
  std::uint64_t seed = 0;
  for (int i = 0; i < 8; ++i) seed = seed << 8 | bytes[static_cast<std::size_t>(i)];
  return seed;
}

}  // namespace fathom::server
