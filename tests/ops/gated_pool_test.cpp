#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

struct Shape {
  std::int64_t dim = 5;
  std::int64_t ratio = 4;
  bool overlap = true;
  std::int64_t capacity = 8;

  std::int64_t columns() const { return overlap ? 2 * dim : dim; }
};

// Sequences from their first position, of which each run computes a stretch.
class Pool {
 public:
  Pool(const Shape& shape, std::vector<fathom::Run> runs, Random& random) : shape_(shape), runs_(std::move(runs)) {
    ape_ = random.normals(shape.ratio * shape.columns());
    for (const fathom::Run& run : runs_) {
      const std::int64_t rows = run.start + run.tokens;
      kv_.push_back(random.normals(rows * shape.columns()));
      gate_.push_back(random.normals(rows * shape.columns(), 2.0F));
    }
  }

  std::vector<float> run(Backend& backend) const { return run(backend, runs_); }

  // Runs may be parts of those the sequences were made for: `sequence_of[index]` says of which.
  std::vector<float> run(Backend& backend, const std::vector<fathom::Run>& runs,
                         std::vector<std::size_t> sequence_of = {}) const {
    const std::int64_t columns = shape_.columns();
    const std::int64_t tokens = tokens_of(runs);
    const Array<float> kv(tokens * columns);
    const Array<float> gate(tokens * columns);
    std::deque<RingMemory> memory;
    std::vector<Ring> kv_rings;
    std::vector<Ring> gate_rings;
    std::int64_t entries = 0;
    for (std::size_t index = 0; index < runs.size(); ++index) {
      const fathom::Run& run = runs[index];
      const std::size_t sequence = sequence_of.empty() ? index : sequence_of[index];
      std::copy_n(kv_[sequence].data() + run.start * columns, run.tokens * columns,
                  kv.data() + run.first_row * columns);
      std::copy_n(gate_[sequence].data() + run.start * columns, run.tokens * columns,
                  gate.data() + run.first_row * columns);
      for (const auto* rows : {&kv_[sequence], &gate_[sequence]}) {
        memory.emplace_back(shape_.capacity, columns * 4);
        memory.back().fill(run.start, [&](std::int64_t position) { return rows->data() + position * columns; });
        (rows == &kv_[sequence] ? kv_rings : gate_rings).push_back(memory.back().ring());
      }
      entries += run.new_entries(shape_.ratio);
    }
    const Array<float> out(entries * shape_.dim);
    backend.gated_pool({.kv = kv.view<2>({tokens, columns}),
                        .gate = gate.view<2>({tokens, columns}),
                        .ape = ape_.view<2>({shape_.ratio, columns}),
                        .ratio = shape_.ratio,
                        .overlap = shape_.overlap,
                        .runs = runs,
                        .kv_rings = kv_rings,
                        .gate_rings = gate_rings,
                        .out = out.view<2>({entries, shape_.dim})});
    return copy_of(out);
  }

  // By the report: rows of the block before through the first half of the channels and of ape, the block's own through
  // the second half.
  std::vector<double> expected() const {
    std::vector<double> out;
    for (std::size_t index = 0; index < runs_.size(); ++index)
      for (std::int64_t block = runs_[index].start / shape_.ratio;
           (block + 1) * shape_.ratio <= runs_[index].start + runs_[index].tokens; ++block)
        for (std::int64_t channel = 0; channel < shape_.dim; ++channel) {
          double weights = 0.0;
          double sum = 0.0;
          const auto add = [&](std::int64_t position, std::int64_t column) {
            const std::int64_t at = position * shape_.columns() + column;
            const double score = static_cast<double>(gate_[index][at]) +
                                 static_cast<double>(ape_[position % shape_.ratio * shape_.columns() + column]);
            weights += std::exp(score);
            sum += std::exp(score) * static_cast<double>(kv_[index][at]);
          };
          for (std::int64_t row = 0; row < shape_.ratio; ++row) {
            if (shape_.overlap && block > 0) add((block - 1) * shape_.ratio + row, channel);
            add(block * shape_.ratio + row, shape_.overlap ? shape_.dim + channel : channel);
          }
          out.push_back(sum / weights);
        }
    return out;
  }

  Shape shape_;
  std::vector<fathom::Run> runs_;
  Array<float> ape_{0};
  std::vector<Array<float>> kv_;
  std::vector<Array<float>> gate_;
};

class GatedPoolTest : public OperationTest {};

TEST_P(GatedPoolTest, AgainstTheReport) {
  for (const bool overlap : {false, true})
    for (const std::int64_t ratio : {1, 2, 4, 7})
      for (const std::int64_t dim : {1, 5, 16, 33}) {
        Shape shape{.dim = dim, .ratio = ratio, .overlap = overlap, .capacity = 2 * ratio + 3};
        const Pool pool(shape, runs_of({{9, 0}, {1, 7}, {1, 6}, {5, 13}, {20, 3}, {2, 40}}), random);
        expect_close(pool.run(*backend), pool.expected(), kGatedPool,
                     "ratio " + std::to_string(ratio) + ", dim " + std::to_string(dim));
      }
}

TEST_P(GatedPoolTest, TheReleasedRatios) {
  const Pool heavy({.dim = 40, .ratio = 128, .overlap = false, .capacity = 128}, runs_of({{1, 127}, {130, 126}}),
                   random);
  expect_close(heavy.run(*backend), heavy.expected(), kGatedPool, "HCA");
  const Pool sparse({.dim = 512, .ratio = 4, .overlap = true, .capacity = 8}, runs_of({{1, 7}, {9, 2}}), random);
  expect_close(sparse.run(*backend), sparse.expected(), kGatedPool, "CSA");
}

// Only the last rows of a run complete nothing, and runs may complete nothing at all.
TEST_P(GatedPoolTest, ARunThatCompletesNoBlock) {
  const Pool pool({}, runs_of({{1, 0}, {2, 4}, {3, 8}}), random);
  EXPECT_TRUE(pool.run(*backend).empty());
}

// The block before counts through its first half of the channels, the block itself through the second.
TEST_P(GatedPoolTest, OverlapReadsTheFirstHalfOfTheBlockBefore) {
  Pool pool({.dim = 3}, runs_of({{8, 0}}), random);
  const std::vector<float> before = pool.run(*backend);
  for (std::int64_t position = 0; position < 8; ++position)  // channels that nobody reads for block 1
    for (std::int64_t column = 0; column < 6; ++column)
      if ((position < 4) == (column >= 3)) pool.kv_[0][position * 6 + column] += 100.0F;
  const std::vector<float> after = pool.run(*backend);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    EXPECT_EQ(after[3 + channel], before[3 + channel]);
    EXPECT_NEAR(after[channel], before[channel] + 100.0F, 1e-4);  // block 0 reads its own second half
  }
}

// ape rows belong to positions modulo the ratio, each half of its columns to its own block.
TEST_P(GatedPoolTest, EveryBlockHasItsOwnApeColumns) {
  Pool pool({.dim = 2, .ratio = 2, .capacity = 4}, runs_of({{4, 0}}), random);
  for (float& gate : pool.gate_[0].span()) gate = 0.0F;
  for (float& ape : pool.ape_.span()) ape = -HUGE_VALF;
  pool.ape_[1 * 4 + 0] = 0.0F;     // second row, first half: position 1 alone counts for channel 0 of block 1 ...
  pool.ape_[0 * 4 + 3] = 0.0F;     // ... and position 2 alone for channel 1
  pool.ape_[0 * 4 + 2] = -200.0F;  // (block 0's channel 0 needs one row)
  const std::vector<float> out = pool.run(*backend);
  EXPECT_EQ(out[2], pool.kv_[0][1 * 4 + 0]);
  EXPECT_EQ(out[3], pool.kv_[0][2 * 4 + 3]);
}

TEST_P(GatedPoolTest, BlockZeroHasNoBlockBefore) {
  const Pool pool({.dim = 4, .ratio = 2, .capacity = 5}, runs_of({{2, 0}}), random);
  const std::vector<float> out = pool.run(*backend);
  expect_close(out, pool.expected(), kGatedPool, "block 0");
  for (const float value : out) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(GatedPoolTest, LargeGatesDoNotOverflow) {
  Pool pool({}, runs_of({{16, 5}}), random);
  for (float& gate : pool.gate_[0].span()) gate *= 1000.0F;
  for (const float value : pool.run(*backend)) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(GatedPoolTest, AnEntryDoesNotKnowHowItsRowsArrived) {
  for (const bool overlap : {false, true}) {
    const Shape shape{.dim = 300, .ratio = 4, .overlap = overlap, .capacity = 11};
    const Pool pool(shape, runs_of({{90, 2}, {1, 15}, {30, 8}}), random);
    const std::vector<float> all = pool.run(*backend);
    expect_same_bits(pool.run(*other), all, "other threads");
    std::vector<fathom::Run> runs;
    std::vector<std::size_t> sequence_of;
    std::int64_t row = 0;
    for (std::size_t index = 0; index < pool.runs_.size(); ++index)
      for (std::int64_t token = 0; token < pool.runs_[index].tokens; ++token) {
        runs.push_back({row++, 1, pool.runs_[index].start + token});
        sequence_of.push_back(index);
      }
    expect_same_bits(pool.run(*alone, runs, sequence_of), all, "token by token");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GatedPoolTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
