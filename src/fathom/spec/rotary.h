// Rotation frequencies of the two kinds of layer (report 2.3; config.json's rope_theta, compress_rope_theta, YaRN).
#pragma once

#include <vector>

#include "fathom/spec/model_config.h"

namespace fathom {

// f_i = theta^(-2i / rope_dim), i < rope_dim / 2. With YaRN: f / factor below the ramp, f above it, mixed within.
// No mscale: neither cosines nor the softmax scale know about YaRN.
std::vector<float> rotary_frequencies(std::int64_t rope_dim, double theta);
std::vector<float> yarn_frequencies(std::int64_t rope_dim, double theta, const YarnConfig& yarn);

}  // namespace fathom
