// Products of rows with weights in every released format, each output one chain over ascending columns: plain, exact,
// and slow. Weights lie as the checkpoint stores them.
#pragma once

#include <cstddef>

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/tensor/weight.h"

namespace fathom::cuda {

struct DeviceWeight {
  WeightFormat format;
  bool scaled;
  bool float_scales;       // else E8M0
  const std::byte* data;   // [out, in]
  const std::byte* scale;  // [ceil(out / scale_rows), ceil(in / scale_columns)]
  std::int64_t out;
  std::int64_t in;
  std::int64_t scale_rows;
  std::int64_t scale_columns;
};

// out[row, group, o] = sum_i weight[group * outputs + o, i] * x[row, group, i]; a plain product has one group.
struct ProductKernel {
  DeviceWeight weight;
  const float* x;  // [rows, groups, in]
  float* out;      // [rows, groups, outputs]
  std::int64_t rows;
  std::int64_t groups;
  std::int64_t outputs;  // weight.out / groups
};
void launch_product(const ProductKernel& args, Stream stream);

// out[slot, o] = sum_i weights[selected[slot]][o, i] * x[slot / slots_per_row, i]
struct ExpertProductKernel {
  const DeviceWeight* weights;  // [experts], weight_step of them apart, all of one shape
  std::int64_t weight_step;
  std::int64_t experts;
  const std::int32_t* selected;  // [slots]
  const float* x;                // [slots / slots_per_row, in]
  float* out;                    // [slots, outputs]
  std::int64_t slots;
  std::int64_t slots_per_row;
  std::int64_t outputs;
  Fault* fault;
};
void launch_expert_product(const ExpertProductKernel& args, Stream stream);

// out[token] = sum over slots, ascending, of parts[token, slot]
struct SlotSumKernel {
  const float* parts;  // [tokens, slots, channels]
  float* out;          // [tokens, channels]
  std::int64_t tokens;
  std::int64_t slots;
  std::int64_t channels;
};
void launch_slot_sum(const SlotSumKernel& args, Stream stream);

// streams[token, stream, channel] = table[ids[token], channel]
struct EmbedKernel {
  DeviceWeight table;
  const std::int32_t* ids;  // [tokens]
  float* streams;           // [tokens, streams, channels]
  std::int64_t tokens;
  std::int64_t stream_count;
};
void launch_embed(const EmbedKernel& args, Stream stream);

}  // namespace fathom::cuda
