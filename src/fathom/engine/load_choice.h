// Whether a prefix on disk is read from there or by the model, whichever is quicker by what both took so far. Either
// gives the same state: the choice changes the clock, and what is told of the cache, and no answer.
//
//   by the model   tokens * seconds a token, which grow with the depth that they stand at
//   from disk      latency + bytes / speed, from the wish to the last blob, others' steps in between included
#pragma once

#include <cstdint>

#include "fathom/engine/linear_pace.h"

namespace fathom {

class LoadChoice {
 public:
  // A pass read so many tokens and did nothing else; on average at that depth.
  void model_read(std::int64_t tokens, double depth, double seconds);
  void disk_read(std::int64_t bytes, double seconds);

  struct Offer {
    std::int64_t from = 0;  // tokens that are in memory
    std::int64_t to = 0;    // that the disk has
    std::int64_t bytes = 0;
  };
  double seconds_by_model(const Offer& offer) const;
  double seconds_from_disk(const Offer& offer) const { return disk_.seconds(static_cast<double>(offer.bytes)); }
  // Yes as long as either is unknown. A disk that was slow once is tried again: with every load that is forgone it is
  // thought to be a little quicker.
  bool takes(const Offer& offer);

 private:
  LinearPace model_;  // seconds a token by depth
  LinearPace disk_;   // seconds by bytes
  double hope_ = 1.0;
};

}  // namespace fathom
