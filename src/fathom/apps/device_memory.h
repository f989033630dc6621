// What caches get of a GPU's memory (docs/cuda.md, "Who gets the GPU's memory").
#pragma once

#include <cstdint>

#include "fathom/model/transformer.h"

namespace fathom {

struct CachesWanted {
  std::int64_t asked = 0;       // bytes; 0: nobody asked
  std::int64_t usual = 0;       // then, where others are to come
  bool others_to_come = false;  // to this GPU, else caches get all that is left
  std::int64_t step_tokens = 0;
};
// Of `free` bytes of a GPU that holds the weights and has done its largest step. InputError where what was asked for is
// not there.
std::int64_t caches_on_device(std::int64_t free, const CachesWanted& wanted);

// The largest step once, of so many tokens and rows of logits, so that it has its memory before caches are given what
// is left.
void take_memory_of_a_step(Transformer& transformer, std::int64_t tokens, std::int64_t logit_rows);

}  // namespace fathom
