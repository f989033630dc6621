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
        wo_a_(weight_shape(shape), random) {}

  // The latent, the new rows, and the windows behind them.
  struct Result {
    std::vector<float> latent;
    std::vector<std::byte> rows;
  };
  Result run(Backend& backend) {
    attention_.store();
    const Array<float> q(attention_.q_.size(), shape_.attention.offset);
    std::copy_n(attention_.q_.data(), q.size(), q.data());
    const Array<float> kv(kv_.size());
    std::copy_n(kv_.data(), kv.size(), kv.data());
    const Array<std::byte> fresh(tokens_ * shape_.attention.format.row_bytes(), 4);
    const Array<float> out(q.size(), shape_.attention.offset);
    const Array<float> latent(tokens_ * shape_.groups * shape_.latent);
    const auto cosine = cosine_.view<2>({tokens_, pairs()});
    const auto sine = sine_.view<2>({tokens_, pairs()});
    const SparseAttentionArgs attention = attention_.args(q, fresh, out);
    const auto wo_a = backend.prepare(wo_a_.view());
    const AttendArgs args{.rows = {.queries = {.x = q.view<3>({tokens_, shape_.attention.heads, dim()}),
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
                          .attention = attention,
                          .wo_a = *wo_a,
                          .latent = latent.view<3>({tokens_, shape_.groups, shape_.latent})};
    backend.begin_attend(args);
    backend.attend(args);
    Result result = {copy_of(latent), copy_of(fresh)};
    for (const Ring& ring : attention.windows)
      result.rows.insert(result.rows.end(), ring.rows, ring.rows + ring.capacity * ring.row_bytes);
    return result;
  }

  void expect_parts(Backend& backend, const std::string& what) {
    Definitions definitions(backend);
    const Result found = run(backend);
    const Result expected = run(static_cast<Backend&>(definitions));
    expect_same_bits(found.latent, expected.latent, what + ", latent");
    ASSERT_EQ(found.rows, expected.rows) << what;
  }

  Attention& attention() { return attention_; }

 private:
  static WeightShape weight_shape(const AttendCase& shape) {
    const bool block = shape.format == WeightFormat::fp8_block;
    const std::int64_t in = shape.attention.heads / shape.groups * shape.attention.format.head_dim;
    return {shape.format, shape.groups * shape.latent, in, block ? 128 : 1, block ? 128 : 32};
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
  TestWeight wo_a_;
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
