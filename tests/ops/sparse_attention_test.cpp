#include "tests/ops/cache_support.h"

namespace fathom::op_test {
namespace {

// A sequence from its first position: what was cached of it, and the formula over it.
struct Sequence {
  std::vector<std::vector<std::byte>> window_rows;  // by position
  std::vector<std::vector<std::byte>> entries;      // compressed, by index
};

struct Shape {
  EntryFormat format;
  std::int64_t heads = 3;
  std::int64_t window = 5;
  std::int64_t capacity = 9;
  EntryChoice choice = EntryChoice::none;
  std::int64_t ratio = 4;
  std::int64_t top_k = 3;
  float scale = 0.3F;
};

// Everything a call needs, made from whole sequences and a division of them into runs.
class Attention {
 public:
  Attention(const Shape& shape, std::vector<Run> runs, Random& random) : shape_(shape), runs_(std::move(runs)) {
    const std::int64_t tokens = tokens_of(runs_);
    q_ = random.normals(tokens * shape.heads * shape.format.head_dim);
    sink_ = random.normals(shape.heads);
    selected_ = Array<std::int32_t>(tokens * shape.top_k);
    fresh_ = Array<std::byte>(tokens * shape.format.row_bytes(), 4);
    for (const Run& run : runs_) {
      Sequence sequence;
      for (std::int64_t position = 0; position < run.start + run.tokens; ++position)
        sequence.window_rows.push_back(random_entry(shape.format, random));
      for (std::int64_t entry = 0; entry < visible_entries(run.start + run.tokens - 1, shape.ratio) + 1; ++entry)
        sequence.entries.push_back(random_entry(shape.format, random));
      choose(run, random);
      sequences_.push_back(std::move(sequence));
    }
    store();
  }

  std::vector<float> run(Backend& backend) {
    const std::int64_t tokens = tokens_of(runs_);
    const std::int64_t head_dim = shape_.format.head_dim;
    const Array<float> out(tokens * shape_.heads * head_dim);
    backend.sparse_attention({.q = q_.view<3>({tokens, shape_.heads, head_dim}),
                              .format = shape_.format,
                              .window = shape_.window,
                              .fresh = fresh_.view<2>({tokens, shape_.format.row_bytes()}),
                              .choice = shape_.choice,
                              .ratio = shape_.ratio,
                              .selected = selected_.view<2>({tokens, shape_.top_k}),
                              .sink = sink_.view<1>({shape_.heads}),
                              .scale = shape_.scale,
                              .runs = runs_,
                              .windows = rings_,
                              .entries = entries_,
                              .out = out.view<3>({tokens, shape_.heads, head_dim})});
    return copy_of(out);
  }

  // The same queries with one run for each token, as decoding would have seen them.
  Attention one_by_one() const {
    Attention split = *this;
    split.runs_.clear();
    split.sequences_.clear();
    for (std::size_t index = 0; index < runs_.size(); ++index)
      for (std::int64_t token = 0; token < runs_[index].tokens; ++token) {
        split.runs_.push_back({runs_[index].first_row + token, 1, runs_[index].start + token});
        split.sequences_.push_back(sequences_[index]);
      }
    split.store();
    return split;
  }

  std::vector<double> expected() const;

  Shape shape_;
  std::vector<Run> runs_;
  std::vector<Sequence> sequences_;
  Array<float> q_{0};
  Array<float> sink_{0};
  Array<std::int32_t> selected_{0};

  Attention(const Attention& other)
      : shape_(other.shape_),
        runs_(other.runs_),
        sequences_(other.sequences_),
        q_(other.q_.size()),
        sink_(other.sink_.size()),
        selected_(other.selected_.size()),
        fresh_(other.fresh_.size(), 4) {
    std::copy_n(other.q_.data(), q_.size(), q_.data());
    std::copy_n(other.sink_.data(), sink_.size(), sink_.data());
    std::copy_n(other.selected_.data(), selected_.size(), selected_.data());
    store();
  }

  // Lays the sequences out as the operation wants them.
  void store() {
    ring_memory_.clear();
    page_memory_.clear();
    rings_.clear();
    entries_.clear();
    const std::int64_t row_bytes = shape_.format.row_bytes();
    for (std::size_t index = 0; index < runs_.size(); ++index) {
      const Sequence& sequence = sequences_[index];
      ring_memory_.emplace_back(shape_.capacity, row_bytes);
      ring_memory_.back().fill(runs_[index].start, [&](std::int64_t at) { return sequence.window_rows[at].data(); });
      rings_.push_back(ring_memory_.back().ring());
      page_memory_.emplace_back(std::ssize(sequence.entries), 3, row_bytes);
      for (std::int64_t entry = 0; entry < std::ssize(sequence.entries); ++entry)
        std::copy(sequence.entries[entry].begin(), sequence.entries[entry].end(),
                  page_memory_.back().row(entry).begin());
      entries_.push_back(page_memory_.back().rows());
      for (std::int64_t token = 0; token < runs_[index].tokens; ++token)
        std::copy_n(sequence.window_rows[runs_[index].start + token].data(), row_bytes,
                    fresh_.data() + (runs_[index].first_row + token) * row_bytes);
    }
  }

 private:
  void choose(const Run& run, Random& random) {
    for (std::int64_t token = 0; token < run.tokens; ++token) {
      const std::int64_t visible = visible_entries(run.start + token, shape_.ratio);
      std::vector<std::int32_t> entries;
      for (std::int32_t entry = 0; entry < visible; ++entry) entries.push_back(entry);
      while (std::ssize(entries) > shape_.top_k) entries.erase(entries.begin() + random.below(std::ssize(entries)));
      for (std::size_t last = entries.size(); last > 1; --last)  // in no order
        std::swap(entries[last - 1], entries[random.below(static_cast<std::int64_t>(last))]);
      entries.resize(static_cast<std::size_t>(shape_.top_k), -1);
      std::copy(entries.begin(), entries.end(), selected_.data() + (run.first_row + token) * shape_.top_k);
    }
  }

  Array<std::byte> fresh_{0};
  std::deque<RingMemory> ring_memory_;
  std::deque<PageMemory> page_memory_;
  std::vector<Ring> rings_;
  std::vector<PagedRows> entries_;
};

std::vector<double> Attention::expected() const {
  std::vector<double> out;
  const std::int64_t head_dim = shape_.format.head_dim;
  for (std::size_t index = 0; index < runs_.size(); ++index)
    for (std::int64_t token = 0; token < runs_[index].tokens; ++token) {
      const std::int64_t position = runs_[index].start + token;
      const std::int64_t row = runs_[index].first_row + token;
      std::vector<std::vector<double>> keys;
      for (std::int64_t at = std::max<std::int64_t>(0, position - shape_.window + 1); at <= position; ++at)
        keys.push_back(slow_entry(shape_.format, sequences_[index].window_rows[at]));
      for (std::int64_t entry = 0; entry < (position + 1) / shape_.ratio; ++entry) {
        const auto picked = selected_.span().subspan(row * shape_.top_k, shape_.top_k);
        const bool chosen = std::count(picked.begin(), picked.end(), static_cast<std::int32_t>(entry)) > 0;
        if (shape_.choice == EntryChoice::all || (shape_.choice == EntryChoice::selected && chosen))
          keys.push_back(slow_entry(shape_.format, sequences_[index].entries[entry]));
      }
      for (std::int64_t head = 0; head < shape_.heads; ++head) {
        const float* q = q_.data() + (row * shape_.heads + head) * head_dim;
        double denominator = std::exp(static_cast<double>(sink_[head]));
        std::vector<double> sums(static_cast<std::size_t>(head_dim));
        for (const std::vector<double>& key : keys) {
          double score = 0.0;
          for (std::int64_t column = 0; column < head_dim; ++column)
            score += static_cast<double>(q[column]) * key[column];
          const double weight = std::exp(score * static_cast<double>(shape_.scale));
          denominator += weight;
          for (std::int64_t column = 0; column < head_dim; ++column) sums[column] += weight * key[column];
        }
        for (const double sum : sums) out.push_back(sum / denominator);
      }
    }
  return out;
}

class SparseAttentionTest : public OperationTest {
 protected:
  void check_formula(const Shape& shape, const std::vector<fathom::Run>& runs, const std::string& what) {
    Attention attention(shape, runs, random);
    expect_close(attention.run(*backend), attention.expected(), kAttention, what);
  }
};

constexpr EntryChoice kChoices[] = {EntryChoice::none, EntryChoice::all, EntryChoice::selected};

TEST_P(SparseAttentionTest, EveryStorageChoiceAndOddShape) {
  const EntryFormat formats[] = {{CacheStorage::float32, 20, 6},  {CacheStorage::released, 20, 6},
                                 {CacheStorage::released, 80, 8}, {CacheStorage::released, 133, 16},
                                 {CacheStorage::float32, 7, 4},   {CacheStorage::released, 64, 64}};
  for (const EntryFormat& format : formats)
    for (const EntryChoice choice : kChoices)
      for (const std::int64_t heads : {1, 5, 16, 19}) {
        Shape shape;
        shape.format = format;
        shape.choice = choice;
        shape.heads = heads;
        check_formula(shape, runs_of({{1, 0}, {6, 0}, {1, 13}, {12, 3}, {3, 31}}),
                      "head_dim " + std::to_string(format.head_dim) + ", heads " + std::to_string(heads));
      }
}

TEST_P(SparseAttentionTest, ReleasedShapeAndMoreKeysThanOneBlock) {
  Shape shape;
  shape.format = {CacheStorage::released, 512, 64};
  EXPECT_EQ(shape.format.row_bytes(), 584);
  shape.heads = 4;
  shape.window = 70;
  shape.capacity = 128;
  shape.scale = 0.044F;
  shape.top_k = 40;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    check_formula(shape, runs_of({{2, 300}, {1, 63}, {1, 64}}), "released");
  }
}

TEST_P(SparseAttentionTest, NeighboursWithFewHeadsAndManyBlocks) {
  Shape shape;
  shape.format = {CacheStorage::released, 80, 8};
  shape.heads = 2;
  shape.window = 70;
  shape.capacity = 160;
  shape.top_k = 70;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    check_formula(shape, runs_of({{75, 290}, {40, 50}}), "neighbours");
  }
}

// Whoever shares its decoding.
TEST_P(SparseAttentionTest, NanOfAKeyStaysWithThoseThatSeeIt) {
  Shape shape;
  shape.format = {CacheStorage::float32, 12, 4};
  shape.window = 4;
  Attention attention(shape, runs_of({{12, 3}}), random);
  for (std::byte& byte : attention.sequences_[0].window_rows[4]) byte = std::byte{0xff};
  attention.store();
  const std::vector<float> out = attention.run(*backend);
  for (std::int64_t token = 0; token < 12; ++token) {
    const bool sees = token >= 1 && token <= 4;
    EXPECT_EQ(std::isnan(out[static_cast<std::size_t>(token * shape.heads * 12)]), sees) << token;
  }
}

// A ring's row is found by its position modulo the capacity, for every turn of the ring.
TEST_P(SparseAttentionTest, TheWindowRingTurns) {
  Shape shape;
  shape.format = {CacheStorage::float32, 12, 4};
  shape.window = 4;
  for (const std::int64_t capacity : {4, 5, 7, 16}) {
    shape.capacity = capacity;
    for (std::int64_t start = 0; start < 20; ++start) check_formula(shape, runs_of({{3, start}, {1, start}}), "ring");
  }
}

// The query that completes a block sees it; the one before does not.
TEST_P(SparseAttentionTest, CompressedEntriesAreCausal) {
  Shape shape;
  shape.format = {CacheStorage::float32, 8, 2};
  shape.choice = EntryChoice::all;
  Attention attention(shape, runs_of({{8, 0}}), random);
  const std::vector<float> before = attention.run(*backend);
  for (std::byte& byte : attention.sequences_[0].entries[0]) byte = std::byte{0};
  attention.store();
  const std::vector<float> after = attention.run(*backend);
  const auto row = [&](const std::vector<float>& out, std::int64_t token) {
    const std::int64_t size = shape.heads * shape.format.head_dim;
    return std::vector<float>(out.begin() + token * size, out.begin() + (token + 1) * size);
  };
  for (std::int64_t token = 0; token < 8; ++token) {
    if (token + 1 < shape.ratio)
      EXPECT_EQ(row(after, token), row(before, token)) << token;
    else
      EXPECT_NE(row(after, token), row(before, token)) << token;
  }
}

// No key but oneself, no entry yet: the window is never empty, so no maximum is that of nothing.
TEST_P(SparseAttentionTest, TheFirstTokenSeesItselfAndNoNan) {
  Shape shape;
  shape.format = {CacheStorage::float32, 10, 2};
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    Attention attention(shape, runs_of({{1, 0}}), random);
    for (float& sink : attention.sink_.span()) sink = -HUGE_VALF;
    const std::vector<float> out = attention.run(*backend);
    for (std::int64_t head = 0; head < shape.heads; ++head)
      for (std::int64_t column = 0; column < 10; ++column)
        EXPECT_EQ(static_cast<double>(out[head * 10 + column]),
                  slow_entry(shape.format, attention.sequences_[0].window_rows[0])[column]);
  }
}

// One key of score s: out = key / (1 + e^(sink - s)); a sink with a value would add to the numerator.
TEST_P(SparseAttentionTest, TheSinkJoinsTheDenominatorOnly) {
  Shape shape;
  shape.format = {CacheStorage::float32, 6, 2};
  shape.window = 1;
  for (const float sink : {-30.0F, 0.0F, 2.0F, 30.0F}) {
    Attention attention(shape, runs_of({{1, 4}}), random);
    for (float& value : attention.sink_.span()) value = sink;
    for (float& value : attention.q_.span()) value = 0.0F;
    const std::vector<double> key = slow_entry(shape.format, attention.sequences_[0].window_rows[4]);
    const std::vector<float> out = attention.run(*backend);
    for (std::int64_t column = 0; column < 6; ++column)
      EXPECT_NEAR(out[column], key[column] / (1.0 + std::exp(static_cast<double>(sink))), 1e-6);
  }
}

// Slots of -1 are nobody's key, not a key of zeros and not entry 0.
TEST_P(SparseAttentionTest, MaskedSlotsDoNotLeak) {
  Shape shape;
  shape.format = {CacheStorage::released, 72, 8};
  shape.choice = EntryChoice::selected;
  shape.top_k = 6;
  Attention attention(shape, runs_of({{5, 30}}), random);
  for (std::int64_t index = 0; index < attention.selected_.size(); ++index)
    attention.selected_[index] = index % 6 == 0 ? 2 : -1;
  expect_close(attention.run(*backend), attention.expected(), kAttention, "one entry and five masked slots");
  for (std::int32_t& entry : attention.selected_.span()) entry = -1;
  const std::vector<float> masked = attention.run(*backend);
  for (auto& entry : attention.sequences_[0].entries) entry = random_entry(shape.format, random);
  attention.store();
  expect_same_bits(attention.run(*backend), masked, "other entries that nobody selects");
  attention.shape_.choice = EntryChoice::none;
  const std::vector<float> none = attention.run(*backend);
  expect_close(masked, std::vector<double>(none.begin(), none.end()), kAttention, "only masked slots");
}

TEST_P(SparseAttentionTest, LargeScoresDoNotOverflow) {
  Shape shape;
  shape.format = {CacheStorage::float32, 16, 2};
  shape.scale = 400.0F;
  Attention attention(shape, runs_of({{7, 2}}), random);
  for (const float value : attention.run(*backend)) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(SparseAttentionTest, NanOfAQueryStaysWithThatQuery) {
  Shape shape;
  shape.format = {CacheStorage::released, 72, 8};
  Attention attention(shape, runs_of({{3, 2}}), random);
  attention.q_[shape.heads * 72] = std::nanf("");  // head 0 of the second token
  const std::vector<float> out = attention.run(*backend);
  for (std::int64_t index = 0; index < std::ssize(out); ++index)
    EXPECT_EQ(std::isnan(out[index]), index >= shape.heads * 72 && index < (shape.heads + 1) * 72) << index;
}

TEST_P(SparseAttentionTest, AnEntryOfTheFutureIsOurFault) {
  Shape shape;
  shape.format = {CacheStorage::float32, 8, 2};
  shape.choice = EntryChoice::selected;
  Attention attention(shape, runs_of({{2, 6}}), random);
  attention.selected_[0] = 1;  // position 6 sees entry 0 alone
  expect_names(fault_of([&] { attention.run(*backend); }), {"visible"});
}

TEST_P(SparseAttentionTest, AQueryDoesNotKnowItsCompany) {
  Shape shape;
  shape.format = {CacheStorage::released, 144, 16};
  shape.heads = 35;
  shape.window = 24;
  shape.capacity = 31;
  shape.top_k = 9;
  for (const EntryChoice choice : kChoices) {
    shape.choice = choice;
    Attention attention(shape, runs_of({{40, 0}, {1, 57}, {20, 90}, {1, 0}}), random);
    const std::vector<float> all = attention.run(*backend);
    expect_same_bits(attention.run(*other), all, "other threads");
    Attention split = attention.one_by_one();
    expect_same_bits(split.run(*alone), all, "one run for each token");
    expect_same_bits(split.run(*backend), all, "one run for each token, same threads");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, SparseAttentionTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
