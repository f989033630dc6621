// What a store may take of the machine.
#pragma once

#include <chrono>
#include <cstdint>

namespace fathom::store {

struct StoreLimits {
  std::int64_t bytes = std::int64_t{64} << 30;           // of all its files
  std::int64_t bytes_a_day = std::int64_t{256} << 30;    // written, per day in UTC, across restarts
  std::int64_t free_bytes = std::int64_t{1} << 30;       // left to others on the file system
  std::int64_t queue_bytes = std::int64_t{256} << 20;    // waiting to be written; what comes then is dropped
  std::int64_t segment_bytes = std::int64_t{128} << 20;  // of a file, a quarter of `bytes` at most; no blob is larger
  std::chrono::milliseconds pause{10'000};               // without writing, after the system refused a write

  // InputError names what is wrong.
  void validate() const;
  // segment_bytes, made smaller where `bytes` asks for it.
  std::int64_t segment_size() const;
};

}  // namespace fathom::store
