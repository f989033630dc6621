// The kernels that take several operations in one pass, against those operations in float64. Skipped without a GPU.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "fathom/trainer/fake_quantize.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/sinkhorn.h"

namespace fathom::train {
namespace {

using torch::Tensor;
constexpr double kHidden = -std::numeric_limits<double>::infinity();
constexpr std::int64_t kTokens = 77;

class DeviceFused : public ::testing::TestWithParam<torch::ScalarType> {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available() || !device::takes(random({1, 8})))
      GTEST_SKIP() << "no GPU, or a build without CUDA: the kernels were not run";
    torch::manual_seed(5);
  }
  static Tensor random(torch::IntArrayRef sizes) { return random_wide(sizes).to(GetParam()); }
  static Tensor random_wide(torch::IntArrayRef sizes) {
    return torch::randn(sizes, torch::TensorOptions().device(torch::kCUDA));
  }
  static Tensor random_bool(torch::IntArrayRef sizes, double share) {
    return torch::rand(sizes, torch::TensorOptions().device(torch::kCUDA)).lt(share);
  }
  static Tensor exact(const Tensor& x) { return x.detach().to(torch::kFloat64); }
  static Tensor leaf(const Tensor& x) { return exact(x).requires_grad_(true); }
  static double bound() { return GetParam() == torch::kBFloat16 ? 6e-3 : 1e-5; }

  static void expect_near(const Tensor& found, const Tensor& expected, const char* what, double limit = bound()) {
    ASSERT_EQ(found.sizes(), expected.sizes()) << what;
    const double error = (exact(found) - exact(expected)).norm().item<double>();
    EXPECT_LE(error, limit * (exact(expected).norm().item<double>() + 1e-3)) << what;
  }
};

TEST_P(DeviceFused, AttentionSoftmax) {
  constexpr std::int64_t kHeads = 3, kWindow = 16, kSink = 8;
  for (const std::int64_t entries : {0, 5, 300}) {
    const std::int64_t width = (kSink + kWindow + entries + 7) / 8 * 8;
    const Tensor window_hidden = random_bool({kTokens, kWindow}, 0.5);
    const Tensor entries_hidden = random_bool({kTokens, entries + 3}, 0.5);
    window_hidden[3].fill_(true);  // a query that sees nothing but the sink
    entries_hidden[3].fill_(true);
    const Tensor scores = random({kTokens, kHeads, width});
    const Tensor sink = random_wide({kHeads});
    const Tensor scores_leaf = leaf(scores), sink_leaf = leaf(sink);
    const Tensor keys =
        torch::cat({scores_leaf.narrow(2, kSink, kWindow).masked_fill(window_hidden.unsqueeze(1), kHidden),
                    scores_leaf.narrow(2, kSink + kWindow, entries)
                        .masked_fill(entries_hidden.narrow(1, 0, entries).unsqueeze(1), kHidden),
                    sink_leaf.view({1, kHeads, 1}).expand({kTokens, kHeads, 1})},
                   2);
    const Tensor shares = keys.softmax(2);
    const device::AttentionScores layout{.sink = sink,
                                         .window_hidden = window_hidden,
                                         .entries_hidden = entries > 0 ? entries_hidden : Tensor(),
                                         .sink_columns = kSink,
                                         .entries = entries};
    Tensor found = scores.clone();
    device::attention_softmax(layout, found);
    expect_near(found.narrow(2, kSink, kWindow + entries), shares.narrow(2, 0, kWindow + entries), "shares");
    expect_near(found.select(2, 0), shares.select(2, kWindow + entries), "the sink's share");
    EXPECT_EQ(exact(found.narrow(2, 1, kSink - 1)).abs().sum().item<double>(), 0.0);

    const Tensor gradient = random({kTokens, kHeads, width});
    (shares.narrow(2, 0, kWindow + entries) * exact(gradient).narrow(2, kSink, kWindow + entries)).sum().backward();
    Tensor change = gradient.clone();
    const Tensor sink_gradient = device::attention_softmax_backward(layout, found, change);
    expect_near(change, scores_leaf.grad(), "scores' gradient", 4 * bound());
    expect_near(sink_gradient, sink_leaf.grad(), "the sink's gradient", 4 * bound());
  }
}

TEST_P(DeviceFused, Pool) {
  for (const bool overlap : {true, false})
    for (const std::int64_t ratio : {4, 128}) {
      constexpr std::int64_t kDim = 24, kEntries = 5;
      const std::int64_t tokens = ratio * kEntries + 3, columns = overlap ? 2 * kDim : kDim;
      const Tensor kv = random({tokens, columns}), gate = random({tokens, columns}),
                   ape = random_wide({ratio, columns});
      const auto integers = torch::TensorOptions().device(torch::kCUDA).dtype(torch::kInt64);
      // Two documents: blocks 0, 1, and 2, 3 behind a token that fills no block; the fifth place is unused.
      const Tensor first =
          torch::tensor({std::int64_t{0}, ratio, 2 * ratio + 1, 3 * ratio + 1, std::int64_t{0}}, integers);
      const Tensor no_previous = torch::tensor({true, false, true, false, true}, integers.dtype(torch::kBool));
      const Tensor unused = torch::tensor({false, false, false, false, true}, integers.dtype(torch::kBool));
      const Tensor kv_leaf = leaf(kv), gate_leaf = leaf(gate), ape_leaf = leaf(ape);
      std::vector<Tensor> rows;
      const auto host = first.cpu();
      for (std::int64_t entry = 0; entry + 1 < kEntries; ++entry) {
        const std::int64_t begin = host[entry].item<std::int64_t>();
        const auto part = [&](const Tensor& x, std::int64_t row, std::int64_t column, bool shifted) {
          return x.narrow(0, shifted ? row : 0, ratio).narrow(1, column, kDim);
        };
        const std::int64_t own = overlap ? kDim : 0;
        Tensor values = part(kv_leaf, begin, own, true);
        Tensor gates = part(gate_leaf, begin, own, true) + part(ape_leaf, 0, own, false);
        if (overlap && entry % 2 == 1) {
          values = torch::cat({part(kv_leaf, begin - ratio, 0, true), values}, 0);
          gates = torch::cat({part(gate_leaf, begin - ratio, 0, true) + part(ape_leaf, 0, 0, false), gates}, 0);
        }
        rows.push_back((values * gates.softmax(0)).sum(0));
      }
      rows.push_back(torch::zeros({kDim}, rows[0].options()));
      const Tensor expected = torch::stack(rows);
      const device::PoolBlocks blocks{first, no_previous, unused, ratio, overlap};
      const auto pooled = device::pool(blocks, kv, gate, ape);
      expect_near(pooled.out, expected, "entries", 1e-5);
      const Tensor gradient = random_wide({kEntries, kDim});
      (expected * exact(gradient)).sum().backward();
      const auto found = device::pool_backward(blocks, kv, gate, ape, pooled, gradient);
      expect_near(found.kv, kv_leaf.grad(), "kv");
      expect_near(found.gate, gate_leaf.grad(), "gate");
    }
}

TEST_P(DeviceFused, Index) {
  constexpr std::int64_t kHeads = 5, kMainHeads = 3;
  for (const std::int64_t entries : {8, 256, 2048}) {
    const Tensor products = random({kTokens, kHeads, entries}), weights = random({kTokens, kHeads});
    const Tensor products_leaf = leaf(products), weights_leaf = leaf(weights);
    const Tensor scores = (products_leaf.relu() * weights_leaf.unsqueeze(2)).sum(1);
    const Tensor found = device::index_scores(products, weights);
    expect_near(found, scores, "scores", 1e-5);

    Tensor hidden = random_bool({kTokens, entries}, 0.3);
    hidden[0].fill_(true);
    hidden[1].fill_(false);
    const Tensor rounded = (found * 2).round() / 2;  // many equals: the first of them count
    Tensor chosen = hidden.clone();
    const std::int64_t top_k = std::max<std::int64_t>(1, entries / 4);
    device::index_choose(rounded, top_k, chosen);
    const Tensor host_scores = rounded.cpu(), host_hidden = hidden.cpu(), host_chosen = chosen.cpu();
    for (std::int64_t token = 0; token < kTokens; ++token) {
      std::vector<std::int64_t> order;
      for (std::int64_t entry = 0; entry < entries; ++entry)
        if (!host_hidden[token][entry].item<bool>()) order.push_back(entry);
      const Tensor row = host_scores[token];
      const auto* values = row.data_ptr<float>();
      std::stable_sort(order.begin(), order.end(), [&](auto left, auto right) { return values[left] > values[right]; });
      if (std::ssize(order) > top_k) order.resize(static_cast<std::size_t>(top_k));
      Tensor expected = torch::ones({entries}, torch::kBool);
      for (const std::int64_t entry : order) expected[entry] = false;
      ASSERT_TRUE(torch::equal(host_chosen[token], expected)) << token << " of " << entries;
    }

    const Tensor main = random({kTokens, kMainHeads, entries});
    const Tensor target = (exact(main) * 0.7).masked_fill(hidden.unsqueeze(1), -1e30).softmax(2).mean(1);
    const Tensor log_share = scores.masked_fill(hidden, -1e30).log_softmax(1);
    const Tensor seen = hidden.all(1).logical_not();
    const Tensor loss = ((torch::xlogy(target, target) - target * log_share).masked_fill(hidden, 0).sum(1) * seen);
    loss.sum().backward();
    const auto compared = device::index_compare(found, hidden, main, 0.7);
    expect_near(compared.loss, loss, "loss", 1e-4);
    Tensor change = products.clone();
    const Tensor weights_gradient = device::index_back(compared.change, weights, change);
    expect_near(change, products_leaf.grad(), "products' gradient", 4 * bound());
    expect_near(weights_gradient, weights_leaf.grad(), "weights' gradient", 4 * bound());
  }
}

TEST_P(DeviceFused, Gates) {
  constexpr std::int64_t kChannels = 320;
  const device::GateRule rule{.iterations = 20, .eps = 1e-6, .norm_eps = 1e-6};
  const bool narrow = GetParam() == torch::kBFloat16;
  const Tensor streams = random({kTokens, 4, kChannels}), mix = random_wide({kTokens, narrow ? 48 : 24});
  const Tensor scale = random_wide({3}), base = random_wide({24});
  const Tensor streams_leaf = leaf(streams), mix_leaf = leaf(mix), scale_leaf = leaf(scale), base_leaf = leaf(base);
  const Tensor sum = narrow ? mix_leaf.narrow(1, 0, 24) + mix_leaf.narrow(1, 24, 24) : mix_leaf;
  const Tensor inverse = (streams_leaf.flatten(1).square().mean(1, true) + 1e-6).rsqrt();
  const Tensor spread = torch::cat({scale_leaf.narrow(0, 0, 1).expand({4}), scale_leaf.narrow(0, 1, 1).expand({4}),
                                    scale_leaf.narrow(0, 2, 1).expand({16})});
  const Tensor raw = sum * inverse * spread + base_leaf;
  const Tensor pre = raw.narrow(1, 0, 4).sigmoid() + 1e-6, post = raw.narrow(1, 4, 4).sigmoid() * 2;
  const Tensor comb = sinkhorn(raw.narrow(1, 8, 16).reshape({-1, 4, 4}), 20, 1e-6);
  const Tensor out = (pre.unsqueeze(2) * streams_leaf).sum(1);
  const auto found = device::gates(rule, streams, mix, scale, base);
  expect_near(found.out, out, "out");
  expect_near(found.pre, pre, "pre", 1e-5);
  expect_near(found.post, post, "post", 1e-5);
  expect_near(found.comb, comb, "comb", 1e-5);

  const device::GateChanges changes{random({kTokens, kChannels}), random_wide({kTokens, 4}),
                                    random_wide({kTokens, 4, 4})};
  (out * exact(changes.out)).sum().backward({}, true);
  ((post * exact(changes.post)).sum() + (comb * exact(changes.comb)).sum()).backward();
  const auto result = device::gates_backward(rule, streams, mix, scale, base, found.inverse, changes);
  const Tensor sums = exact(result.raw).sum(0);
  expect_near(sums.narrow(0, 0, 24), base_leaf.grad(), "base", 1e-4);
  const Tensor shares = sums.narrow(0, 24, 24);
  expect_near(torch::stack({shares.narrow(0, 0, 4).sum(), shares.narrow(0, 4, 4).sum(), shares.narrow(0, 8, 16).sum()}),
              scale_leaf.grad(), "scale", 1e-4);
  const Tensor mix_gradient =
      narrow ? exact(result.mix).narrow(1, 0, 24) + exact(result.mix).narrow(1, 24, 24) : exact(result.mix);
  expect_near(mix_gradient, mix_leaf.grad().narrow(1, 0, 24), "mix", 1e-4);
  Tensor streams_gradient = torch::zeros_like(streams);  // without what comes by the mix
  device::gates_finish(streams, found.pre, changes.out, result.along, streams_gradient);
  expect_near(streams_gradient, streams_leaf.grad(), "streams");
}

TEST_P(DeviceFused, CrossEntropy) {
  for (const std::int64_t vocab : {8, 1000, 8192}) {
    const Tensor logits = random_wide({kTokens, vocab}) * 3;
    Tensor targets = torch::randint(0, vocab, {kTokens}, logits.options().dtype(torch::kInt64));
    targets[5] = -1;
    const Tensor logits_leaf = leaf(logits);
    const Tensor counts = targets.ge(0);
    const Tensor loss =
        (logits_leaf.logsumexp(1) - logits_leaf.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1)) * counts;
    loss.sum().backward();
    Tensor gradient = torch::full({kTokens, vocab}, 7.0, logits.options().dtype(GetParam()));
    expect_near(device::cross_entropy(logits, targets, gradient), loss, "loss", 1e-6);
    expect_near(gradient, logits_leaf.grad(), "gradient");
    Tensor none;
    expect_near(device::cross_entropy(logits, targets, none), loss, "loss alone", 1e-6);
  }
}

// Bit for bit what plain operations on the host give.
TEST_P(DeviceFused, Roundings) {
  for (const double size : {1e-30, 1e-3, 1.0, 1e4}) {
    const Tensor matrix = random_wide({3, 200, 320}) * size;
    matrix[1].narrow(0, 0, 128).zero_();
    const auto on_host = [&](const Tensor& x, Storage storage) {
      return fake_quantize(x.cpu(), storage).to(GetParam());
    };
    Tensor out = torch::empty(matrix.sizes(), matrix.options().dtype(GetParam()));
    device::round_fp4(matrix, out);
    EXPECT_TRUE(torch::equal(out.cpu(), on_host(matrix, Storage::fp4_group))) << size;
    device::round_fp8(matrix, out);
    EXPECT_TRUE(torch::equal(out.cpu(), on_host(matrix, Storage::fp8_block))) << size;
    const Tensor entries = (random({kTokens, 128}) * size).contiguous();
    EXPECT_TRUE(torch::equal(device::round_entries(entries, 64).cpu(), fake_quantize_entries(entries.cpu(), 64)))
        << size;
  }
  // The transform's sums are float32 on the device, whatever the values' type.
  const Tensor keys = random({kTokens, 64});
  const Tensor exact_keys = fake_quantize_index(keys.to(torch::kFloat32).cpu());
  const double differing = device::round_index(keys, true)
                               .to(torch::kFloat32)
                               .cpu()
                               .ne(exact_keys)
                               .to(torch::kFloat32)
                               .mean()
                               .item<double>();
  EXPECT_LE(differing, 2e-3);  // at ties alone
  expect_near(device::round_index(keys, false), hadamard(exact(keys)), "transform");
}

INSTANTIATE_TEST_SUITE_P(Types, DeviceFused, ::testing::Values(torch::kFloat32, torch::kBFloat16));

}  // namespace
}  // namespace fathom::train
