#include "fathom/engine/sampling_params.h"

#include <cmath>

#include "fathom/base/error.h"

namespace fathom {
namespace {

void check_range(const char* field, double value, double low, double high) {
  if (!(value >= low && value <= high))  // NaN fails too
    throw InputError("[sampling] Invalid {} value {}, the valid range of {} is [{}, {}]", field, value, field, low,
                     high);
}

}  // namespace

void SamplingParams::validate() const {
  check_range("temperature", temperature, 0.0, 100.0);
  check_range("top_p", top_p, 0.0, 1.0);
  check_range("min_p", min_p, 0.0, 1.0);
  if (top_k < 0) throw InputError("[sampling] Invalid top_k value {}, it is 0 (all) or more", top_k);
  if (max_tokens < 1) throw InputError("[sampling] Invalid max_tokens value {}, it is 1 or more", max_tokens);
  if (top_logprobs < -1) throw InputError("[sampling] Invalid top_logprobs value {}, it is 0 or more", top_logprobs);
}

}  // namespace fathom
