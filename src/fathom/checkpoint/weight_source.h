// Where a network's weights come from: a checkpoint's mapped bytes, or bytes made for the purpose.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/spec/model_config.h"
#include "fathom/spec/tensor_table.h"
#include "fathom/tensor/weight.h"

namespace fathom {

class WeightSource {
 public:
  WeightSource() = default;
  virtual ~WeightSource() = default;

  virtual const ModelConfig& config() const = 0;

  // Names are the released ones without their ending: "layers.0.attn.wq_a" stands for .weight and .scale.
  // The hyper-connections' maps have no ending to drop: "layers.0.hc_attn_fn".
  // The view borrows: it lives as long as the source.
  virtual WeightView linear(std::string_view name) const = 0;
  // Nobody reads these bytes again soon: memory that only mirrors a file may be given back. They stay valid.
  virtual void was_read(const WeightView& /*view*/) const {}
  // A whole small tensor, widened to float32: norms, sinks, ape, biases, hc_*. "layers.0.attn.attn_sink", with ending.
  virtual std::vector<float> floats(std::string_view name) const = 0;
  // ffn.gate.tid2eid as int32, row-major [vocab, selected_experts], every id an expert's.
  virtual std::vector<std::int32_t> integers(std::string_view name) const = 0;

 protected:
  WeightSource(const WeightSource&) = default;
  WeightSource& operator=(const WeightSource&) = default;
  WeightSource(WeightSource&&) = default;
  WeightSource& operator=(WeightSource&&) = default;
};

// How a linear map lies in `storage`: a view of its name, format, shape and scale blocks, without bytes.
WeightView weight_layout(const TensorSpec& spec, Storage storage);

}  // namespace fathom
