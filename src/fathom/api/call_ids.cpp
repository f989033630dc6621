#include "fathom/api/call_ids.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace fathom::api {

std::string call_id(std::string_view answer_id, std::int64_t call) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id = fmt::format("call_{:02}_", call);
  for (std::uint64_t part = 0; part < 3; ++part) {
    std::uint64_t hash =
        XXH3_64bits_withSeed(answer_id.data(), answer_id.size(), 3 * static_cast<std::uint64_t>(call) + part);
    for (int place = 0; place < 8; ++place, hash /= kAlphabet.size()) id += kAlphabet[hash % kAlphabet.size()];
  }
  return id;
}

}  // namespace fathom::api
