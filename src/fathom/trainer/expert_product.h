// Rows of several experts through each one's own matrix, in one call.
#pragma once

#include <torch/types.h>

namespace fathom::train {

// Rows sorted by expert, and the way there and back.
struct ExpertOrder {
  torch::Tensor order;    // [tokens * selected] int64: slot (token * selected + choice) of each sorted row
  torch::Tensor inverse;  // [tokens * selected] int64: sorted row of each slot
  torch::Tensor ends;     // [experts] int32: sorted row behind each expert's last
  std::int64_t selected = 0;
};

// selected [tokens, selected_experts] int64.
ExpertOrder sort_by_expert(const torch::Tensor& selected, std::int64_t experts);

// x [tokens, channels] -> [tokens * selected, channels], sorted; and the sum over a token's rows, back again.
torch::Tensor dispatch(const torch::Tensor& x, const ExpertOrder& order);
torch::Tensor combine(const torch::Tensor& rows, const ExpertOrder& order);

// rows [sorted rows, in], weight [experts, out, in] -> [sorted rows, out]. `ends` as above. On a GPU no count comes
// back to the host.
torch::Tensor expert_product(const torch::Tensor& rows, const torch::Tensor& weight, const torch::Tensor& ends);

}  // namespace fathom::train
