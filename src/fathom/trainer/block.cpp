#include "fathom/trainer/block.h"

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/attention.h"
#include "fathom/trainer/hyper_connections.h"
#include "fathom/trainer/moe.h"

namespace fathom::train {

using torch::Tensor;

Block::Result Block::forward(const Tensor& streams, const Tensor& chosen, bool with_index_loss) const {
  const auto sublayer = [&](const std::string& hc, const std::string& norm, const Tensor& before, const auto& forward) {
    if (step_.options().plain_residuals)
      return before + forward(rms_norm(before.squeeze(1), step_.wide_weight(prefix_ + norm),
                                       static_cast<double>(step_.config().norm_eps)))
                          .unsqueeze(1);
    const HyperConnections hyper_connections(step_, prefix_ + hc);
    HyperConnections::Gates gates;
    const Tensor x = rms_norm(hyper_connections.collapse(before, gates), step_.wide_weight(prefix_ + norm),
                              static_cast<double>(step_.config().norm_eps));
    return hyper_connections.expand(gates, forward(x), before);
  };
  Result result;
  const Tensor between = sublayer("hc_attn_", "attn_norm.weight", streams, [&](const Tensor& x) {
    const auto attention = Attention(step_, index_, prefix_ + "attn.").forward(x, with_index_loss);
    result.index_loss = attention.index_loss;
    return attention.out;
  });
  result.streams = sublayer("hc_ffn_", "ffn_norm.weight", between, [&](const Tensor& x) {
    const auto moe = Moe(step_, index_, prefix_ + "ffn.").forward(x, chosen);
    result.route = moe.route;
    return moe.out;
  });
  return result;
}

}  // namespace fathom::train
