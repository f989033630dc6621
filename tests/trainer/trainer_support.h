// For tests of the trainer: documents laid into rows, goldens, and small models of smooth ways.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "fathom/corpus/row_stream.h"
#include "fathom/trainer/packed_batch.h"
#include "fathom/trainer/parameters.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train::testing {

// Documents end to end, then padding up to `length`; every next token is a target.
PackedRow pack(const std::vector<std::vector<std::int32_t>>& documents, std::int64_t length);

std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocab, std::uint64_t seed);

// Every kind of block in few, small, even sizes: 0 sliding and hashed, 1 CSA, 2 HCA, 3 CSA, 4 MTP.
ModelConfig tiny_config();

}  // namespace fathom::train::testing
