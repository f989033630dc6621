// Where the next span lies in a ring of equal segments. What was written into a segment may still be on its way to the
// device, so that a segment is entered again only after somebody has waited for it.
#pragma once

#include <cstdint>

#include "fathom/base/error.h"

namespace fathom::cuda {

class Segments {
 public:
  static constexpr std::int64_t kAlignment = 64;

  struct Place {
    std::int64_t offset = 0;  // from the ring's start
    std::int64_t segment = 0;
    std::int64_t left = -1;  // the segment that this span was the first not to fit in; -1: none
  };

  Segments(std::int64_t segment_bytes, std::int64_t count) : segment_bytes_(segment_bytes), count_(count) {
    check(count > 1 && segment_bytes > 0 && segment_bytes % kAlignment == 0,
          "a ring has aligned segments, two or more");
  }

  std::int64_t segment_bytes() const { return segment_bytes_; }
  std::int64_t bytes() const { return segment_bytes_ * count_; }

  Place take(std::int64_t bytes) {
    check(bytes >= 0 && bytes <= segment_bytes_, "a span fits in a segment");
    Place place;
    if (used_ + bytes > segment_bytes_) {
      place.left = segment_;
      segment_ = (segment_ + 1) % count_;
      used_ = 0;
    }
    place.segment = segment_;
    place.offset = segment_ * segment_bytes_ + used_;
    used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return place;
  }

 private:
  std::int64_t segment_bytes_;
  std::int64_t count_;
  std::int64_t segment_ = 0;
  std::int64_t used_ = 0;
};

}  // namespace fathom::cuda
