#include "fathom/trainer/lightning_indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

IndexScoreArgs some_args(std::int64_t top_k) {
  IndexScoreArgs args{.q = normal({2, 16, 3, 5}, 1),
                      .weights = normal({2, 16, 3}, 2),
                      .keys = normal({2, 4, 5}, 3),
                      .main_q = normal({2, 16, 2, 6}, 4).detach(),
                      .entries = normal({2, 4, 6}, 5).detach(),
                      .hidden = torch::ones({2, 16, 4}, torch::kBool),
                      .ratio = 4,
                      .top_k = top_k,
                      .main_scale = 0.4};
  for (std::int64_t token = 0; token < 16; ++token)
    args.hidden.select(1, token).narrow(1, 0, (token + 1) / 4).fill_(false);
  return args;
}

torch::Tensor plain_scores(const IndexScoreArgs& args) {
  const torch::Tensor products = torch::einsum("rthc,rec->rthe", {args.q, args.keys}).relu();
  return torch::einsum("rth,rthe->rte", {args.weights, products});
}

torch::Tensor plain_loss(const IndexScoreArgs& args, const torch::Tensor& hidden) {
  torch::Tensor loss = torch::zeros({}, torch::kFloat64);
  const torch::Tensor scores = plain_scores(args);
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t token = 0; token < 16; ++token) {
      const torch::Tensor seen = hidden[row][token].logical_not().nonzero().flatten();
      if (seen.size(0) == 0) continue;
      const torch::Tensor keys = args.entries[row].index_select(0, seen);
      const torch::Tensor target = (torch::mm(args.main_q[row][token], keys.t()) * args.main_scale).softmax(1).mean(0);
      loss = loss + (target * (target.log() - scores[row][token].index_select(0, seen).log_softmax(0))).sum();
    }
  return loss;
}

TEST(TrainerLightningIndexer, KeepsTheBestOfWhatIsSeen) {
  for (const std::int64_t top_k : {0, 1, 2, 3, 4, 9}) {
    const IndexScoreArgs args = some_args(top_k);
    const torch::Tensor hidden = choose_entries(args, false).hidden;
    const torch::Tensor scores = plain_scores(args);
    for (std::int64_t row = 0; row < 2; ++row)
      for (std::int64_t token = 0; token < 16; ++token) {
        std::vector<std::pair<double, std::int64_t>> ranked;
        for (std::int64_t entry = 0; entry < (token + 1) / 4; ++entry)
          ranked.emplace_back(-scores[row][token][entry].item<double>(), entry);
        std::sort(ranked.begin(), ranked.end());
        if (top_k > 0 && std::ssize(ranked) > top_k) ranked.resize(static_cast<std::size_t>(top_k));
        torch::Tensor expected = torch::ones({4}, torch::kBool);
        for (const auto& [score, entry] : ranked) expected[entry] = false;
        EXPECT_TRUE(hidden[row][token].equal(expected)) << top_k << " " << row << " " << token;
      }
  }
}

// Scores of zero everywhere, as ReLU makes them: the lowest entries win.
TEST(TrainerLightningIndexer, TiesGoToTheLowerEntry) {
  IndexScoreArgs args = some_args(2);
  args.weights = torch::zeros_like(args.weights);
  const torch::Tensor hidden = choose_entries(args, false).hidden;
  const torch::Tensor last = hidden[0][15];
  EXPECT_TRUE(last.equal(torch::tensor({false, false, true, true})));
  EXPECT_TRUE(hidden[0][2].all().item<bool>());
}

TEST(TrainerLightningIndexer, LossIsItsFormulaWithGradients) {
  for (const std::int64_t top_k : {0, 2}) {
    const IndexScoreArgs args = some_args(top_k);
    const IndexChoice choice = choose_entries(args, true);
    const torch::Tensor expected = plain_loss(args, choice.hidden);
    EXPECT_NEAR(choice.loss.item<double>(), expected.item<double>(), 1e-10);
    const auto ours = torch::autograd::grad({choice.loss * 3}, {args.q, args.weights, args.keys});
    const auto theirs = torch::autograd::grad({expected * 3}, {args.q, args.weights, args.keys});
    for (std::size_t leaf = 0; leaf < ours.size(); ++leaf)
      EXPECT_TRUE(ours[leaf].allclose(theirs[leaf], 1e-9, 1e-10)) << leaf;
    expect_gradients([&] { return choose_entries(args, true).loss; }, {args.q, args.weights, args.keys});
  }
}

// Nothing but the indexer's own parameters feels its loss.
TEST(TrainerLightningIndexer, InputsAreDetached) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, kDouble);
  const torch::Tensor x = normal({48, 32}, 1);
  const torch::Tensor latent = normal({48, 20}, 2);
  const torch::Tensor q = normal({1, 48, 4, 24}, 3);
  const torch::Tensor entries = normal({1, 12, 24}, 4);
  const auto loss = [&] {
    return LightningIndexer(step, 1, "layers.1.attn.indexer.").choose(x, latent, q, entries, true).loss;
  };
  const auto gradients = torch::autograd::grad({loss()}, {x, latent, q, entries}, {}, false, false, true);
  for (const torch::Tensor& gradient : gradients) EXPECT_FALSE(gradient.defined());
  expect_parameter_gradients(loss, parameters, "layers.1.attn.indexer.");
}

}  // namespace
}  // namespace fathom::train
