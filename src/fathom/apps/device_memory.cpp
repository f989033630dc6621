#include "fathom/apps/device_memory.h"

#include <algorithm>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/ops/device_caches.h"

namespace fathom {

std::int64_t caches_on_device(std::int64_t free, const CachesWanted& wanted) {
  const std::int64_t left = caches_in(free);
  if (left == 0)
    throw InputError(
        "[model] the GPU has {} MB left beside weights and a step of {} tokens, too little for any cache: give weights "
        "fewer (gpu_megabytes), or steps fewer tokens",
        free >> 20, wanted.step_tokens);
  if (wanted.asked > left)
    throw InputError(
        "[model] caches of {} MB were asked for, the GPU has {} MB left for them beside weights and a step of {} "
        "tokens: ask for fewer, or give weights fewer (gpu_megabytes)",
        wanted.asked >> 20, left >> 20, wanted.step_tokens);
  if (wanted.asked > 0) return wanted.asked;
  return wanted.others_to_come ? std::min(left, wanted.usual) : left;
}

void take_memory_of_a_step(Transformer& transformer, std::int64_t tokens, std::int64_t logit_rows) {
  const std::int64_t rows = std::min(tokens, transformer.config().max_positions);
  std::vector<std::int32_t> ids;  // all sorts: experts are counted
  for (std::int64_t row = 0; row < rows; ++row)
    ids.push_back(static_cast<std::int32_t>(row % transformer.config().vocab));
  SequenceCache cache = transformer.make_cache();
  const BatchRun run{.cache = &cache, .ids = ids, .logits_from = rows - std::min(logit_rows, rows)};
  const auto logits = transformer.forward(std::span(&run, 1));
  float last = 0.0F;  // wait for it: the cache goes
  transformer.backend().download(reinterpret_cast<const std::byte*>(logits.data()),
                                 std::as_writable_bytes(std::span(&last, 1)));
}

}  // namespace fathom
