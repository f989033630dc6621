// Rotation frequencies of the two kinds of layer (report 2.3; config.json's rope_theta, compress_rope_theta, YaRN).
#pragma once

#include <vector>

#include "fathom/spec/model_config.h"

namespace fathom {

// f_i = theta^(-2i / rope_dim), i < rope_dim / 2. With YaRN: the fast pairs before the ramp keep f, the slow ones
// behind it get f / factor, those on it a mixture. The ramp's ends are the release's, low clamped to 0 and high to
// rope_dim - 1, and so is what comes of ends that passed each other: a config that far off has no other meaning than
// the release gives it. No mscale: neither cosines nor the softmax scale know about YaRN.
std::vector<float> rotary_frequencies(std::int64_t rope_dim, double theta);
std::vector<float> yarn_frequencies(std::int64_t rope_dim, double theta, const YarnConfig& yarn);

}  // namespace fathom
