// A checkpoint's name by its contents: two of one name give the same logits.
#pragma once

#include "fathom/base/digest.h"
#include "fathom/checkpoint/checkpoint.h"

namespace fathom {

// Over config.json, every tensor's name, type and shape, and the tensors' bytes: all of them below `whole_bytes`, else
// a sample of each tensor, and its file's size and time of change, which a copy has of its own.
Digest checkpoint_identity(const Checkpoint& checkpoint, std::int64_t whole_bytes = std::int64_t{256} << 20);

}  // namespace fathom
