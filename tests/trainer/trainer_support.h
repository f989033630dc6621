// For tests of the trainer: documents laid into rows, goldens, and small models of smooth ways.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string_view>
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

// Parameters of that shape as a random checkpoint has them: livelier than an initialisation. float64.
Parameters lively_parameters(const ModelConfig& config, std::uint64_t seed);

// One row of three documents and some padding.
PackedBatch small_batch(const ModelConfig& config, std::int64_t length = 48);

torch::Tensor normal(torch::IntArrayRef shape, std::uint64_t seed);  // float64, a leaf that wants a gradient

// Central differences of `loss`, a float64 scalar of the leaves' present values, along a random direction of each leaf
// and of a few single entries, against its gradients.
void expect_gradients(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& leaves,
                      double tolerance = 1e-6);
// The same for all parameters whose name begins with `prefix`.
void expect_parameter_gradients(const std::function<torch::Tensor()>& loss, const Parameters& parameters,
                                std::string_view prefix, double tolerance = 1e-6);

// Weights of a loss that every entry of `values` moves.
torch::Tensor probe(const torch::Tensor& values, std::uint64_t seed = 77);

constexpr ForwardOptions kDouble{.compute = torch::kFloat64};

}  // namespace fathom::train::testing
