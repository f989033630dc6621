#include "fathom/trainer/sparse_attention.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

// Two rows of 12 tokens in blocks of 4, three entries of four tokens each; one document a row, a window of 3.
SparseAttentionArgs some_args(bool compressed) {
  SparseAttentionArgs args{.q = normal({2, 12, 3, 6}, 1),
                           .kv = normal({2, 12, 6}, 2),
                           .entries = {},
                           .sink = normal({3}, 3),
                           .window_hidden = torch::ones({2, 3, 4, 8}, torch::kBool),
                           .entries_hidden = {},
                           .ratio = 4,
                           .scale = 0.7};
  for (std::int64_t block = 0; block < 3; ++block)
    for (std::int64_t query = 0; query < 4; ++query)
      for (std::int64_t key = query + 2; key <= query + 4; ++key)
        if (block > 0 || key >= 4) args.window_hidden.select(1, block).select(1, query).select(1, key).fill_(false);
  if (!compressed) return args;
  args.entries = normal({2, 3, 6}, 4);
  args.entries_hidden = torch::ones({2, 12, 3}, torch::kBool);
  for (std::int64_t token = 0; token < 12; ++token)
    args.entries_hidden.select(1, token).narrow(1, 0, (token + 1) / 4).fill_(false);
  args.entries_hidden.select(1, 11).select(1, 1).fill_(true);  // not selected
  return args;
}

// Every query by itself.
torch::Tensor plain_attention(const SparseAttentionArgs& args) {
  std::vector<torch::Tensor> rows;
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t token = 0; token < 12; ++token) {
      const std::int64_t first = std::max<std::int64_t>(0, token - 2);
      torch::Tensor keys = args.kv[row].narrow(0, first, token - first + 1);
      if (args.entries.defined())
        for (std::int64_t entry = 0; entry < 3; ++entry)
          if (!args.entries_hidden[row][token][entry].item<bool>())
            keys = torch::cat({keys, args.entries[row].narrow(0, entry, 1)});
      const torch::Tensor scores = torch::mm(args.q[row][token], keys.t()) * args.scale;  // [heads, keys]
      const torch::Tensor weights = torch::cat({args.sink.unsqueeze(1), scores}, 1).softmax(1);
      rows.push_back(torch::mm(weights.narrow(1, 1, keys.size(0)), keys));
    }
  return torch::stack(rows).view(args.q.sizes());
}

TEST(TrainerSparseAttention, EqualsOneQueryAtATime) {
  for (const bool compressed : {false, true}) {
    const SparseAttentionArgs args = some_args(compressed);
    EXPECT_TRUE(sparse_attention(args).allclose(plain_attention(args), 1e-10, 1e-10));
  }
}

TEST(TrainerSparseAttention, Gradients) {
  for (const bool compressed : {false, true}) {
    const SparseAttentionArgs args = some_args(compressed);
    std::vector<torch::Tensor> leaves{args.q, args.kv, args.sink};
    if (compressed) leaves.push_back(args.entries.narrow(1, 0, 3));
    if (compressed) leaves.back() = args.entries;
    expect_gradients([&] { return probe(sparse_attention(args)); }, leaves);
  }
}

// So many scores that rows are cut: the pieces must fit together, forth and back.
TEST(TrainerSparseAttention, LongRowsAreCutWithoutASeam) {
  constexpr std::int64_t kLength = 1024;
  constexpr std::int64_t kBlock = 64;
  SparseAttentionArgs args{.q = normal({1, kLength, 8, 16}, 1),
                           .kv = normal({1, kLength, 16}, 2),
                           .entries = normal({1, kLength / 4, 16}, 4),
                           .sink = normal({8}, 3),
                           .window_hidden = {},
                           .entries_hidden = {},
                           .ratio = 4,
                           .scale = 0.25};
  const torch::Tensor place = torch::arange(kBlock).unsqueeze(1) + kBlock;
  const torch::Tensor key = torch::arange(2 * kBlock).unsqueeze(0);
  args.window_hidden =
      key.gt(place).logical_or(key.le(place - kBlock)).expand({1, kLength / kBlock, kBlock, -1}).clone();
  args.window_hidden.select(1, 0).narrow(2, 0, kBlock).fill_(true);
  const torch::Tensor tokens = torch::arange(kLength).unsqueeze(1);
  args.entries_hidden = (torch::arange(kLength / 4).unsqueeze(0) + 1).mul(4).gt(tokens + 1).unsqueeze(0);

  const torch::Tensor keys = torch::cat({args.kv[0], args.entries[0]});
  const torch::Tensor near = torch::arange(kLength).unsqueeze(0);
  const torch::Tensor hidden =
      torch::cat({near.gt(tokens).logical_or(near.le(tokens - kBlock)), args.entries_hidden[0]}, 1);
  const torch::Tensor scores = torch::matmul(args.q[0], keys.t()).mul(args.scale);  // [tokens, heads, keys]
  const torch::Tensor masked = scores.masked_fill(hidden.unsqueeze(1), -std::numeric_limits<double>::infinity());
  const torch::Tensor sinks = args.sink.view({1, 8, 1}).expand({kLength, 8, 1});
  const torch::Tensor weights = torch::cat({sinks, masked}, 2).softmax(2).narrow(2, 1, keys.size(0));
  const torch::Tensor expected = torch::matmul(weights, keys).unsqueeze(0);
  const torch::Tensor found = sparse_attention(args);
  EXPECT_TRUE(found.allclose(expected, 1e-10, 1e-10));
  const std::vector<torch::Tensor> leaves{args.q, args.kv, args.entries.detach().requires_grad_(false), args.sink};
  const auto ours = torch::autograd::grad({probe(found)}, {args.q, args.kv, args.entries, args.sink});
  const auto theirs = torch::autograd::grad({probe(expected)}, {args.q, args.kv, args.entries, args.sink});
  for (std::size_t leaf = 0; leaf < ours.size(); ++leaf)
    EXPECT_TRUE(ours[leaf].allclose(theirs[leaf], 1e-9, 1e-10)) << leaf;
}

}  // namespace
}  // namespace fathom::train
