#include "fathom/trainer/transformer.h"

#include "fathom/base/error.h"
#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/block.h"
#include "fathom/trainer/cross_entropy.h"
#include "fathom/trainer/hyper_connections.h"
#include "fathom/trainer/mtp.h"
#include "fathom/trainer/step.h"

namespace fathom::train {
namespace {

using torch::Tensor;

// What a pass leaves behind: normed streams before the head, and what every block said on its way.
struct Passed {
  Tensor trunk;               // [tokens, channels]
  Tensor mtp;                 // [tokens, channels]; undefined without an MTP block
  Tensor mtp_targets;         // [rows, length]
  std::vector<Route> routes;  // one per block
  std::vector<Tensor> index_losses;
};

// The row before the vocabulary: streams joined and normed.
Tensor head_input(const Step& step, const std::string& prefix, const Tensor& streams) {
  const Tensor joined = step.options().plain_residuals
                            ? streams.squeeze(1)
                            : HyperConnections(step, prefix + "hc_head_").collapse_head(streams);
  return rms_norm(joined, step.wide_weight(prefix + "norm.weight"), static_cast<double>(step.config().norm_eps));
}

// The choice that another pass made for the next scored layer, in order; undefined when there is none.
class GivenRoutes {
 public:
  explicit GivenRoutes(const Transformer::Routes& routes) : routes_(routes) {}
  Tensor next(const ModelConfig& config, std::int64_t block) {
    if (routes_.empty() || config.routes_by_hash(block)) return {};
    check(next_ < routes_.size(), "routes are given for every scored layer");
    return routes_[next_++].view({-1, config.selected_experts});
  }

 private:
  const Transformer::Routes& routes_;
  std::size_t next_ = 0;
};

Passed pass(const Step& step, const Transformer::Routes& routes, bool with_index_loss) {
  const ModelConfig& config = step.config();
  GivenRoutes given(routes);
  Passed passed;
  const auto keep = [&](Block::Result result) {
    if (result.index_loss.defined()) passed.index_losses.push_back(result.index_loss);
    passed.routes.push_back(std::move(result.route));
    return result.streams;
  };
  const Tensor embedded = torch::embedding(step.wide_weight("embed"), step.batch().ids.flatten()).to(step.compute());
  Tensor streams =
      embedded.unsqueeze(1).expand({-1, step.options().plain_residuals ? 1 : config.streams, -1}).contiguous();
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    streams = keep(Block(step, layer, fmt::format("layers.{}.", layer))
                       .forward(streams, given.next(config, layer), with_index_loss));
  passed.trunk = head_input(step, "", streams);
  if (config.mtp_layers == 0) return passed;
  const Mtp mtp(step);
  passed.mtp = head_input(step, "mtp.0.", keep(mtp.forward(streams, given.next(config, config.layers))));
  passed.mtp_targets = mtp.targets();
  return passed;
}

}  // namespace

Transformer::Transformer(const Parameters& parameters) : parameters_(parameters) {
  if (const std::int64_t depth = parameters.config().mtp_layers; depth > 1)
    throw InputError("[trainer] num_nextn_predict_layers is {}, expected 0 or 1", depth);
}

Outputs Transformer::forward(const PackedBatch& batch, const ForwardOptions& options) const {
  const Step step(parameters_, batch, options);
  const Passed passed = pass(step, {}, false);
  const Tensor head = step.weight("head");
  const auto logits = [&](const Tensor& x) { return project(x, head).view({step.rows(), step.length(), -1}); };
  return {.logits = logits(passed.trunk), .mtp_logits = passed.mtp.defined() ? logits(passed.mtp) : Tensor()};
}

Transformer::Routes Transformer::routes(const PackedBatch& batch, const ForwardOptions& options) const {
  const torch::NoGradGuard no_gradients;
  const Step step(parameters_, batch, options);
  const Passed passed = pass(step, {}, false);
  Routes routes;
  for (std::int64_t block = 0; block < std::ssize(passed.routes); ++block)
    if (!step.config().routes_by_hash(block))
      routes.push_back(passed.routes[static_cast<std::size_t>(block)].selected.view({step.rows(), step.length(), -1}));
  return routes;
}

Losses Transformer::loss(const PackedBatch& batch, const LossOptions& options) const {
  return loss(batch, options, {});
}

Losses Transformer::loss(const PackedBatch& batch, const LossOptions& options, const Routes& routes) const {
  if (options.target_count <= 0)
    throw InputError("[trainer] losses are divided by target_count {}, expected at least 1", options.target_count);
  const Step step(parameters_, batch, options.forward);
  const Passed passed = pass(step, routes, options.indexer_weight > 0);
  const auto counted = [&](const Tensor& sum) {
    return options.target_share.defined() ? sum * options.target_share
                                          : sum * (1.0 / static_cast<double>(options.target_count));
  };
  const Tensor head = step.wide_weight("head");
  const Tensor none = torch::zeros({}, head.options());

  const Tensor language = counted(cross_entropy_sum(passed.trunk, head, batch.targets.flatten()));
  const Tensor mtp =
      passed.mtp.defined() ? counted(cross_entropy_sum(passed.mtp, head, passed.mtp_targets.flatten())) : none;
  Tensor balance = none;
  Tensor indexer = none;
  std::vector<Tensor> loads;
  for (const Route& route : passed.routes) {
    if (route.balance.defined()) balance = balance + counted(route.balance);
    loads.push_back(route.loads);
  }
  for (const Tensor& loss : passed.index_losses) indexer = indexer + counted(loss);

  Losses losses{.total = indexer * options.indexer_weight,
                .language = language.detach(),
                .mtp = mtp.detach(),
                .balance = balance.detach(),
                .indexer = indexer.detach(),
                .expert_loads = torch::stack(loads)};
  if (options.forward.attention != AttentionStage::indexer_warmup)
    losses.total = losses.total + language + mtp * options.mtp_weight + balance * options.balance_weight;
  return losses;
}

}  // namespace fathom::train
