// Kernels that read one row and write one row.
#pragma once

#include <cstdint>

namespace fathom {

// sum_of_squares of ops/released_arithmetic.h, bit for bit.
float sum_squares_row(const float* x, std::int64_t columns);

// out = x * scale * weight (no weight: null). In place is allowed.
void scale_row(const float* x, float scale, const float* weight, std::int64_t columns, float* out);

// out = x / sqrt(mean of squares + eps) * weight (no weight: null). In place is allowed.
void norm_row(const float* x, const float* weight, float eps, std::int64_t columns, float* out);

// Pairs (2k, 2k + 1) turn by the angle, or by its opposite. In place.
void rotate_row(float* x, const float* cosine, const float* sine, bool inverse, std::int64_t pairs);

// x <- x H / sqrt(columns), columns a power of two. In place.
void hadamard_row(float* x, std::int64_t columns);

// Each group of kIndexScaleGroup to E2M1 with a power-of-two scale, and back. In place. Bits as encode_index_key's.
void round_e2m1_row(float* x, std::int64_t columns);

// out = silu(min(gate, limit)) * clamp(up, -limit, limit) * weight; limit 0: no clamp. In place is allowed.
void swiglu_row(const float* gate, const float* up, float limit, float weight, std::int64_t columns, float* out);

// released_routing_score of every logit, bit for bit.
void routing_scores_row(const float* logits, std::int64_t count, float* out);

// out += x
void add_row(const float* x, std::int64_t columns, float* out);

// Whether every x is zero or in the bounds of Note [Scales apart] (packed_tiles.h).
bool is_moderate(const float* x, std::int64_t columns);

}  // namespace fathom
