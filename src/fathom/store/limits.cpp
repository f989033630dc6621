#include "fathom/store/limits.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom::store {
namespace {

constexpr std::int64_t kLeastBytes = std::int64_t{64} << 10;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;
constexpr std::int64_t kLeastSegment = std::int64_t{4} << 10;
constexpr std::int64_t kMostSegment = std::int64_t{1} << 30;

}  // namespace

void StoreLimits::validate() const {
  if (bytes < kLeastBytes || bytes > kMostBytes)
    throw InputError("[store] the limit is {} bytes, expected {} to {}", bytes, kLeastBytes, kMostBytes);
  if (segment_bytes < kLeastSegment || segment_bytes > kMostSegment)
    throw InputError("[store] a segment has {} bytes, expected {} to {}", segment_bytes, kLeastSegment, kMostSegment);
  if (bytes_a_day < 0) throw InputError("[store] {} bytes a day may be written, expected 0 or more", bytes_a_day);
  if (free_bytes < 0) throw InputError("[store] {} bytes are left free, expected 0 or more", free_bytes);
  if (queue_bytes < 0) throw InputError("[store] the queue has {} bytes, expected 0 or more", queue_bytes);
}

std::int64_t StoreLimits::segment_size() const { return std::min(segment_bytes, bytes / 4); }

}  // namespace fathom::store
