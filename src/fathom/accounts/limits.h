// How much an account or a key may ask for; zero: no limit.
#pragma once

#include <cstdint>

namespace fathom::accounts {

struct Limits {
  std::int64_t in_flight = 0;          // requests at a time
  std::int64_t tokens_per_minute = 0;  // of prompts and answers, found in the cache or not
  std::int64_t tokens_per_day = 0;     // the same; days are UTC's
  std::int64_t context_tokens = 0;     // of one prompt and its answer together

  bool operator==(const Limits&) const = default;
};

}  // namespace fathom::accounts
