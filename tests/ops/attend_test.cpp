// A step's attention as one operation is its parts one after the other, to the last bit.
#include "tests/ops/attention_support.h"
#include "tests/ops/definition_support.h"

namespace fathom::op_test {
namespace {

struct AttendCase {
  AttentionCase attention;
  std::int64_t groups = 1;
  std::int64_t latent = 1;  // of a group
  WeightFormat format = WeightFormat::fp8_block;
  std::int64_t query_latent = 0;  // 0: the queries are there, no product makes them
  std::int64_t latent_offset = 1;
};

// What there is beside the attention itself.
class Attend {
 public:
  Attend(const AttendCase& shape, const std::vector<fathom::Run>& runs, Random& random)
      : shape_(shape),
        attention_(shape.attention, runs, random),
        tokens_(tokens_of(runs)),
        kv_(random.normals(tokens_ * dim())),
        norm_(random.normals(dim())),
        cosine_(random.normals(tokens_ * pairs())),
        sine_(random.normals(tokens_ * pairs())),
        query_latent_(random.normals(tokens_ * shape.query_latent)),
        query_norm_(random.normals(shape.query_latent)),
        wq_b_(weight_shape(shape.attention.heads * dim(), shape.query_latent), random),
        beside_(weight_shape(kBeside, shape.query_latent), random),
        wo_a_(weight_shape(shape.groups * shape.latent, shape.attention.heads / shape.groups * dim()), random),
        wo_b_(weight_shape(kChannels, shape.groups * shape.latent), random) {}

  // What comes out, the product beside the queries', the new rows, and the windows behind them.
  struct Result {
    std::vector<float> out;
    std::vector<float> beside;
    std::vector<std::byte> rows;
  };
  Result run(Backend& backend) {
    attention_.store();
    const Array<float> q(attention_.q_.size(), shape_.attention.offset);
    std::copy_n(attention_.q_.data(), q.size(), q.data());
    const Array<float> kv(kv_.size());
    std::copy_n(kv_.data(), kv.size(), kv.data());
    const Array<std::byte> fresh(tokens_ * shape_.attention.format.row_bytes(), 4);
    const Array<float> values(q.size(), shape_.attention.offset);
    const Array<float> out(tokens_ * kChannels);
    const Array<float> beside(tokens_ * kBeside);
    const Array<float> query_latent(query_latent_.size(), shape_.latent_offset);  // normed in place
    std::copy_n(query_latent_.data(), query_latent.size(), query_latent.data());
    const Array<float> latent(tokens_ * shape_.groups * shape_.latent);
    const auto cosine = cosine_.view<2>({tokens_, pairs()});
    const auto sine = sine_.view<2>({tokens_, pairs()});
    const SparseAttentionArgs attention = attention_.args(q, fresh, values);
    const auto wo_a = backend.prepare(wo_a_.view());
    const auto wo_b = backend.prepare(wo_b_.view());
    const auto wq_b = backend.prepare(wq_b_.view());
    const auto weight_beside = backend.prepare(beside_.view());
    std::vector<LinearOutput> products;
    if (shape_.query_latent > 0) {
      products.push_back({.weight = *weight_beside, .out = beside.view<2>({tokens_, kBeside})});
      products.push_back({.weight = *wq_b, .out = q.view<2>({tokens_, shape_.attention.heads * dim()})});
    }
    const auto of_products = query_latent.view<2>({tokens_, shape_.query_latent});
    std::optional<RmsNormArgs> norm;
    if (!products.empty())
      norm = {.x = of_products, .weight = query_norm_.view<1>({shape_.query_latent}), .eps = 1e-6F, .out = of_products};
    const AttendArgs args{.products = {.x = of_products, .outputs = products},
                          .rows = {.queries = {.x = q.view<3>({tokens_, shape_.attention.heads, dim()}),
                                               .weight = {},
                                               .eps = 1e-6F,
                                               .cosine = cosine,
                                               .sine = sine},
                                   .keys = {.x = kv.view<2>({tokens_, dim()}),
                                            .weight = norm_.view<1>({dim()}),
                                            .eps = 1e-6F,
                                            .cosine = cosine,
                                            .sine = sine,
                                            .format = shape_.attention.format,
                                            .rows = fresh.view<2>({tokens_, shape_.attention.format.row_bytes()})}},
                          .norm = norm,
                          .attention = attention,
                          .wo_a = *wo_a,
                          .latent = latent.view<3>({tokens_, shape_.groups, shape_.latent}),
                          .wo_b = *wo_b,
                          .out = out.view<2>({tokens_, kChannels})};
    backend.begin_attend(args);
    backend.attend(args);
    Result result = {copy_of(out), copy_of(beside), copy_of(fresh)};
    for (const Ring& ring : attention.windows)
      result.rows.insert(result.rows.end(), ring.rows, ring.rows + ring.capacity * ring.row_bytes);
    return result;
  }

  void expect_parts(Backend& backend, const std::string& what) {
    Definitions definitions(backend);
    const Result found = run(backend);
    const Result expected = run(static_cast<Backend&>(definitions));
    expect_same_bits(found.out, expected.out, what);
    expect_same_bits(found.beside, expected.beside, what + ", beside the queries");
    ASSERT_EQ(found.rows, expected.rows) << what;
  }

  Attention& attention() { return attention_; }
  Array<float>& query_latent() { return query_latent_; }

 private:
  static constexpr std::int64_t kChannels = 70;
  static constexpr std::int64_t kBeside = 130;

  WeightShape weight_shape(std::int64_t out, std::int64_t in) const {
    const bool block = shape_.format == WeightFormat::fp8_block;
    return {shape_.format, out, in, block ? 128 : 1, block ? 128 : 32};
  }
  std::int64_t dim() const { return shape_.attention.format.head_dim; }
  std::int64_t pairs() const { return shape_.attention.format.rope_dim / 2; }

  AttendCase shape_;
  Attention attention_;
  std::int64_t tokens_;
  Array<float> kv_;
  Array<float> norm_;
  Array<float> cosine_;
  Array<float> sine_;
  Array<float> query_latent_;
  Array<float> query_norm_;
  TestWeight wq_b_;
  TestWeight beside_;
  TestWeight wo_a_;
  TestWeight wo_b_;
};

class AttendTest : public OperationTest {};

TEST_P(AttendTest, IsItsParts) {
  for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected}) {
    const AttendCase shape = {.attention = {.format = {CacheStorage::released, 72, 8}, .heads = 6, .choice = choice},
                              .groups = 3,
                              .latent = 5};
    Attend attend(shape, runs_of({{3, 0}, {1, 20}, {7, 5}}), random);
    attend.expect_parts(*backend, "three runs");
  }
}

// Few tokens of the released shape, whose tiles are joined by a launch: windows that have come round, more runs than
// lie in a kernel's arguments.
TEST_P(AttendTest, OfFewTokensIsItsParts) {
  for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected})
    for (const std::vector<fathom::Run>& runs :
         {runs_of({{1, 0}}), runs_of({{1, 700}}), runs_of({{3, 90}, {1, 20}}),
          runs_of({{1, 1}, {1, 70}, {1, 71}, {1, 200}, {2, 140}, {1, 5}, {1, 6}, {1, 9}, {1, 400}})}) {
      AttendCase shape = {.attention = {}, .groups = 3, .latent = 5};
      shape.attention.format = {CacheStorage::released, 512, 64};
      shape.attention.heads = 6;
      shape.attention.window = 70;
      shape.attention.capacity = 71;
      shape.attention.choice = choice;
      shape.attention.top_k = 140;
      shape.attention.offset = 4;
      Attend attend(shape, runs, random);
      attend.expect_parts(*backend, std::to_string(runs.size()) + " runs");
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, AttendTest, every_multiplier(), backend_name);

// Many tokens in the mode that rounds attention: rounded queries, widened keys, packed values.
class RoundedAttendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
    backend_ = make_backend("cuda_fp8");
  }
  static AttendCase released(EntryChoice choice, std::int64_t heads, std::int64_t groups, std::int64_t latent) {
    AttendCase shape = {.attention = {}, .groups = groups, .latent = latent};
    shape.attention.format = {CacheStorage::released, 512, 64};
    shape.attention.heads = heads;
    shape.attention.window = 70;
    shape.attention.capacity = 400;
    shape.attention.choice = choice;
    shape.attention.scale = 0.044F;
    shape.attention.top_k = 140;
    shape.attention.offset = 4;
    return shape;
  }

  std::unique_ptr<Backend> backend_;
  Random random_{20261130};
};

// Groups that end within a block's heads and behind them, latents that end within a tile, chunks of 64 tokens that are
// not full; also few tokens, which take the parts, queries off their boundary, and a weight that is not FP8.
TEST_F(RoundedAttendTest, IsItsParts) {
  const std::vector<fathom::Run> many = runs_of({{280, 500}, {20, 10}});
  for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected})
    for (const auto& [heads, groups, latent] :
         {std::array<std::int64_t, 3>{64, 8, 96}, {6, 3, 40}, {70, 7, 64}, {128, 8, 128}, {5, 1, 3}}) {
      Attend attend(released(choice, heads, groups, latent), many, random_);
      attend.expect_parts(*backend_, std::to_string(heads) + " heads");
    }
  Attend few(released(EntryChoice::all, 64, 8, 64), runs_of({{40, 500}, {1, 10}}), random_);
  few.expect_parts(*backend_, "few");
  AttendCase shape = released(EntryChoice::all, 8, 2, 64);
  shape.attention.offset = 1;
  Attend off(shape, many, random_);
  off.expect_parts(*backend_, "off the boundary");
  shape.attention.offset = 4;
  shape.format = WeightFormat::bf16;
  Attend halves(shape, many, random_);
  halves.expect_parts(*backend_, "bfloat16");
}

// Lone tokens, whose tiles a cluster joins and whose latents leave wo_a packed: one tile and sixteen, rings that are
// full to the last row; runs of more tokens, which a second launch joins; heads that do not fill a block; latents of
// whole blocks and not.
TEST_F(RoundedAttendTest, OfFewTokensIsItsParts) {
  for (const EntryChoice choice : {EntryChoice::none, EntryChoice::all, EntryChoice::selected})
    for (const auto& [heads, groups, latent] :
         {std::array<std::int64_t, 3>{64, 8, 128}, {6, 3, 384}, {20, 2, 640}, {9, 3, 390}})
      for (const std::vector<fathom::Run>& runs :
           {runs_of({{1, 0}}), runs_of({{1, 700}}), runs_of({{1, 3'400}}), runs_of({{1, 63}, {1, 141}}),
            runs_of({{2, 90}}), runs_of({{1, 1}, {1, 70}, {1, 71}, {1, 200}})}) {
        AttendCase shape = released(choice, heads, groups, latent);
        shape.attention.capacity = 70;
        Attend attend(shape, runs, random_);
        attend.expect_parts(*backend_, std::to_string(heads) + " heads, " + std::to_string(runs.size()) + " runs");
      }
  AttendCase shape = released(EntryChoice::selected, 64, 8, 128);
  shape.attention.offset = 1;
  Attend off(shape, runs_of({{1, 700}}), random_);
  off.expect_parts(*backend_, "off the boundary");
}

// Queries from their product, and the latent packed for wo_b where its groups are whole units: heads whose units do not
// fill the device, rows that end within a chunk and at it.
TEST_F(RoundedAttendTest, ProductsAreItsParts) {
  for (const auto& [heads, groups, latent, tokens] :
       {std::array<std::int64_t, 4>{64, 8, 96, 300}, {6, 3, 40, 300}, {16, 8, 256, 2112}, {18, 9, 256, 2100}}) {
    AttendCase shape = released(EntryChoice::all, heads, groups, latent);
    shape.query_latent = 1024;
    std::vector<fathom::Run> runs;
    for (std::int64_t first = 0; first < tokens; first += 300)
      runs.push_back({.first_row = first, .tokens = std::min<std::int64_t>(300, tokens - first), .start = 20});
    Attend attend(shape, runs, random_);
    attend.expect_parts(*backend_, std::to_string(heads) + " heads, " + std::to_string(tokens) + " tokens");
  }
}

// The latent of few tokens is normed by its products where it is whole groups of 512: of one block of it, of two, of
// more than a thread block packs, latents that are none, on a boundary and off it, beside e4m3 and beside halves, with
// what is no number.
TEST_F(RoundedAttendTest, NormedProductsOfFewTokensAreTheirParts) {
  for (const CudaProducts products : {CudaProducts::fp8, CudaProducts::float32}) {
    const auto backend = make_mirrored(make_cuda_backend({.products = products, .tensor_core_inputs = 128}));
    for (const std::int64_t query_latent : {512, 1024, 1536, 2048, 2560, 640})
      for (const std::int64_t tokens : {1, 2, 4, 5}) {
        AttendCase shape = released(EntryChoice::all, tokens % 2 == 0 ? 64 : 3, 1, 64);
        shape.query_latent = query_latent;
        shape.latent_offset = query_latent == 1536 ? 1 : 4;
        std::vector<fathom::Run> runs;
        for (std::int64_t row = 0; row < tokens; ++row)
          runs.push_back({.first_row = row, .tokens = 1, .start = 20 * row});
        Attend attend(shape, runs, random_);
        if (query_latent == 2048) attend.query_latent()[5] = tokens == 1 ? std::nanf("") : HUGE_VALF;
        attend.expect_parts(*backend, std::to_string(query_latent) + " of " + std::to_string(tokens) + " tokens");
      }
  }
}

// A value that is no number spoils its token's row of its group alone; values of nothing and near nothing.
TEST_F(RoundedAttendTest, ValuesOfAnySize) {
  Attend attend(released(EntryChoice::all, 16, 4, 64), runs_of({{290, 30}}), random_);
  Attention& attention = attend.attention();
  attention.sink_[0] = 1000.0F;
  attention.sink_[1] = 80.0F;
  attention.sink_[2] = 20.0F;
  attention.q_[(7 * 16 + 5) * 512 + 3] = std::nanf("");
  attention.q_[(288 * 16 + 15) * 512 + 3] = HUGE_VALF;
  attend.expect_parts(*backend_, "any size");
}

}  // namespace
}  // namespace fathom::op_test
