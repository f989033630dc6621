// What compressors make of a step's tokens, alone and beside its queries and keys: the bits of the operations one after
// the other, on every backend.
#include "tests/ops/attention_support.h"
#include "tests/ops/definition_support.h"

namespace fathom::op_test {
namespace {

struct CompressorCase {
  CompletedAs as = CompletedAs::entries;
  std::int64_t dim = 512;
  std::int64_t rope_dim = 64;
  std::int64_t ratio = 4;
  bool overlap = true;
  CacheStorage storage = CacheStorage::released;
  std::int64_t capacity = 8;  // of the tails

  std::int64_t columns() const { return overlap ? 2 * dim : dim; }
  EntryFormat entry() const { return {storage, dim, rope_dim}; }
  IndexKeyFormat key() const { return {storage, dim}; }
  std::int64_t row_bytes() const { return as == CompletedAs::entries ? entry().row_bytes() : key().row_bytes(); }
};

// A compressor's step with rings and pages of its own.
class Compressor {
 public:
  Compressor(const CompressorCase& shape, const std::vector<fathom::Run>& runs, Random& random)
      : shape_(shape),
        runs_(runs),
        kv_(random.normals(tokens_of(runs) * shape.columns())),
        gate_(random.normals(tokens_of(runs) * shape.columns(), 2.0F)),
        ape_(random.normals(shape.ratio * shape.columns())),
        weight_(random.normals(shape.dim)) {
    for (const fathom::Run& run : runs) entries_ += run.new_entries(shape.ratio);
    out_ = Array<float>(entries_ * shape.dim);
    cosine_ = random.normals(entries_ * shape.rope_dim / 2);
    sine_ = random.normals(entries_ * shape.rope_dim / 2);
    for (const fathom::Run& run : runs) {
      for (std::deque<RingMemory>* rings : {&kv_rings_, &gate_rings_}) {
        const Array<float> row = random.normals(shape.columns());
        rings->emplace_back(shape.capacity, shape.columns() * 4);
        rings->back().fill(run.start, [&](std::int64_t position) {
          row[position % shape.columns()] += 1.0F;  // each position's row is another
          return reinterpret_cast<const std::byte*>(row.data());
        });
      }
      kv_places_.push_back(kv_rings_.back().ring());
      gate_places_.push_back(gate_rings_.back().ring());
      pages_.emplace_back((run.start + run.tokens) / shape.ratio + 1, 3, shape.row_bytes());
      page_places_.push_back(pages_.back().rows());
    }
  }

  CompleteEntriesArgs args() const {
    const std::int64_t tokens = tokens_of(runs_);
    return {.pool = {.kv = kv_.view<2>({tokens, shape_.columns()}),
                     .gate = gate_.view<2>({tokens, shape_.columns()}),
                     .ape = ape_.view<2>({shape_.ratio, shape_.columns()}),
                     .ratio = shape_.ratio,
                     .overlap = shape_.overlap,
                     .runs = runs_,
                     .kv_rings = kv_places_,
                     .gate_rings = gate_places_,
                     .out = out_.view<2>({entries_, shape_.dim})},
            .weight = weight_.view<1>({shape_.dim}),
            .eps = 1e-6F,
            .cosine = cosine_.view<2>({entries_, shape_.rope_dim / 2}),
            .sine = sine_.view<2>({entries_, shape_.rope_dim / 2}),
            .as = shape_.as,
            .entry = shape_.as == CompletedAs::entries ? shape_.entry() : EntryFormat{},
            .key = shape_.as == CompletedAs::entries ? IndexKeyFormat{} : shape_.key(),
            .pages = page_places_};
  }

  // The tails, and all rows that are stored.
  std::vector<std::byte> kept() const {
    std::vector<std::byte> all;
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      for (const RingMemory* ring : {&kv_rings_[run], &gate_rings_[run]})
        all.insert(all.end(), ring->bytes().begin(), ring->bytes().end());
      for (std::int64_t row = 0; row < (runs_[run].start + runs_[run].tokens) / shape_.ratio; ++row)
        all.insert(all.end(), pages_[run].row(row).begin(), pages_[run].row(row).end());
    }
    return all;
  }

 private:
  CompressorCase shape_;
  std::vector<fathom::Run> runs_;
  std::int64_t entries_ = 0;
  Array<float> kv_;
  Array<float> gate_;
  Array<float> ape_;
  Array<float> weight_;
  Array<float> out_{0};
  Array<float> cosine_{0};
  Array<float> sine_{0};
  std::deque<RingMemory> kv_rings_;
  std::deque<RingMemory> gate_rings_;
  std::deque<PageMemory> pages_;
  std::vector<Ring> kv_places_;
  std::vector<Ring> gate_places_;
  std::vector<PagedRows> page_places_;
};

// A step's beginning: queries, keys, and what stands beside them.
class Beginning {
 public:
  Beginning(const EntryFormat& format, std::int64_t heads, const std::vector<fathom::Run>& runs, Random& random)
      : format_(format),
        heads_(heads),
        tokens_(tokens_of(runs)),
        attention_({.format = format, .heads = heads}, runs, random),
        q_(random.normals(tokens_ * heads * format.head_dim)),
        kv_(random.normals(tokens_ * format.head_dim)),
        norm_(random.normals(format.head_dim)),
        cosine_(random.normals(tokens_ * format.rope_dim / 2)),
        sine_(random.normals(tokens_ * format.rope_dim / 2)),
        fresh_(tokens_ * format.row_bytes(), 4),
        wo_a_({WeightFormat::bf16, 3, heads * format.head_dim}, random),
        wo_b_({WeightFormat::bf16, 5, 3}, random) {}

  // Queries and the keys' rows.
  std::pair<std::vector<float>, std::vector<std::byte>> run(Backend& backend,
                                                            std::span<const CompleteEntriesArgs> completed) {
    const Array<float> q = same(q_);
    const Array<float> kv = same(kv_);
    const Array<float> out(q.size());
    const Array<float> latent(tokens_ * 3);
    const Array<float> channels(tokens_ * 5);
    const auto cosine = cosine_.view<2>({tokens_, format_.rope_dim / 2});
    const auto sine = sine_.view<2>({tokens_, format_.rope_dim / 2});
    const auto wo_a = backend.prepare(wo_a_.view());
    const auto wo_b = backend.prepare(wo_b_.view());
    backend.begin_attend({.products = {},
                          .rows = {.queries = {.x = q.view<3>({tokens_, heads_, format_.head_dim}),
                                               .weight = {},
                                               .eps = 1e-6F,
                                               .cosine = cosine,
                                               .sine = sine},
                                   .keys = {.x = kv.view<2>({tokens_, format_.head_dim}),
                                            .weight = norm_.view<1>({format_.head_dim}),
                                            .eps = 1e-6F,
                                            .cosine = cosine,
                                            .sine = sine,
                                            .format = format_,
                                            .rows = fresh_.view<2>({tokens_, format_.row_bytes()})}},
                          .completed = completed,
                          .attention = attention_.args(q, fresh_, out),
                          .wo_a = *wo_a,
                          .latent = latent.view<3>({tokens_, 1, 3}),
                          .wo_b = *wo_b,
                          .out = channels.view<2>({tokens_, 5})});
    return {copy_of(q), copy_of(fresh_)};
  }

 private:
  static Array<float> same(const Array<float>& from) {
    Array<float> copy(from.size());
    std::copy_n(from.data(), from.size(), copy.data());
    return copy;
  }

  EntryFormat format_;
  std::int64_t heads_;
  std::int64_t tokens_;
  Attention attention_;
  Array<float> q_;
  Array<float> kv_;
  Array<float> norm_;
  Array<float> cosine_;
  Array<float> sine_;
  Array<std::byte> fresh_;
  TestWeight wo_a_;
  TestWeight wo_b_;
};

class CompleteEntriesTest : public OperationTest {
 protected:
  // On the backend, and as the operations one after the other: two compressors from the same numbers.
  void expect_the_definition(const std::vector<CompressorCase>& shapes, const std::vector<fathom::Run>& runs,
                             const EntryFormat& format, const std::string& what) {
    Definitions definitions(*backend);
    Beginning beginning(format, 6, runs, random);
    Random found_numbers(7);
    Random expected_numbers(7);
    std::deque<Compressor> found;
    std::deque<Compressor> expected;
    std::vector<CompleteEntriesArgs> found_args;
    std::vector<CompleteEntriesArgs> expected_args;
    for (const CompressorCase& shape : shapes) {
      found_args.push_back(found.emplace_back(shape, runs, found_numbers).args());
      expected_args.push_back(expected.emplace_back(shape, runs, expected_numbers).args());
    }
    const auto [found_q, found_rows] = beginning.run(*backend, found_args);
    const auto [expected_q, expected_rows] = beginning.run(definitions, expected_args);
    expect_same_bits(found_q, expected_q, what);
    EXPECT_EQ(found_rows, expected_rows) << what;
    for (std::size_t index = 0; index < shapes.size(); ++index)
      EXPECT_EQ(found[index].kept(), expected[index].kept()) << what << ", compressor " << index;
  }
};

// Every phase of a block, the first block, which has none before it, tokens that complete and tokens that do not, more
// runs than lie in a kernel's arguments, and runs of several tokens, which take the operations one after the other.
TEST_P(CompleteEntriesTest, BesideQueriesAndKeys) {
  const std::vector<std::vector<fathom::Run>> steps = {
      runs_of({{1, 0}}),
      runs_of({{1, 3}}),
      runs_of({{1, 6}}),
      runs_of({{1, 127}}),
      runs_of({{1, 130}}),
      runs_of({{1, 7}, {1, 4}, {1, 3}, {1, 127}}),
      runs_of({{1, 1}, {1, 3}, {1, 7}, {1, 11}, {1, 12}, {1, 3}, {1, 255}, {1, 8}, {1, 9}, {1, 15}}),
      runs_of({{2, 2}, {1, 3}, {9, 7}})};
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32})
    for (std::size_t step = 0; step < steps.size(); ++step) {
      const CompressorCase csa = {.storage = storage};
      const CompressorCase keys = {.as = CompletedAs::index_keys, .dim = 128, .storage = storage, .capacity = 11};
      const CompressorCase hca = {.ratio = 128, .overlap = false, .storage = storage, .capacity = 128};
      const EntryFormat format = csa.entry();
      const std::string what = "step " + std::to_string(step);
      expect_the_definition({csa, keys}, steps[step], format, what + ", csa");
      expect_the_definition({hca}, steps[step], format, what + ", hca");
      expect_the_definition({csa, keys, csa}, steps[step], format, what + ", three");
      expect_the_definition({}, steps[step], format, what + ", none");
    }
}

// Dimensions of no released model.
// The kernels look runs up by token: what is completed has to be of the same step.
TEST_P(CompleteEntriesTest, OfOtherRunsIsRefused) {
  const std::vector<fathom::Run> runs = runs_of({{1, 3}, {1, 5}, {1, 11}});
  const CompressorCase shape = {.dim = 90, .rope_dim = 16, .capacity = 9};
  Beginning beginning(shape.entry(), 6, runs, random);
  for (const auto& others : {runs_of({{1, 3}}), runs_of({{3, 1}}), runs_of({{1, 3}, {1, 5}, {2, 11}})}) {
    Compressor compressor(shape, others, random);
    const std::vector<CompleteEntriesArgs> completed = {compressor.args()};
    EXPECT_THROW(beginning.run(*backend, completed), InternalError);
  }
}

TEST_P(CompleteEntriesTest, OfOtherDimensions) {
  const std::vector<fathom::Run> runs = runs_of({{1, 3}, {1, 5}, {1, 11}});
  for (const CacheStorage storage : {CacheStorage::released, CacheStorage::float32}) {
    const CompressorCase entries = {.dim = 90, .rope_dim = 16, .storage = storage, .capacity = 9};
    const CompressorCase keys = {
        .as = CompletedAs::index_keys, .dim = 32, .rope_dim = 16, .storage = storage, .capacity = 9};
    const CompressorCase pairs = {.dim = 200, .rope_dim = 8, .ratio = 6, .overlap = false, .storage = storage};
    expect_the_definition({entries, keys}, runs, {storage, 512, 64}, "beside queries of 512");
    expect_the_definition({pairs, keys}, runs, {storage, 512, 64}, "without overlap");
    expect_the_definition({entries, keys}, runs, entries.entry(), "beside queries of 90");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, CompleteEntriesTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
