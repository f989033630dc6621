// A lone token's experts in one launch, behind the launch that chooses them: step after step the bits of a backend that
// takes a launch for each product, also as a graph and beside another backend that does the same.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "fathom/backends/cuda/kernels/lone_experts.h"
#include "tests/backends/cuda/lone_token.h"

namespace fathom {
namespace {

struct Sizes {
  std::int64_t channels = 512;
  std::int64_t dim = 512;
  std::int64_t experts = 12;
  std::int64_t selected = 6;
  bool hashed = false;
  bool behind_streams = false;  // x comes out of the streams, for two mixtures one behind the other
};

// One mixture, with weights and inputs of a seed.
class Mixture : op_test::LoneToken {
 public:
  static constexpr std::int32_t kVocab = 5;

  // `lone`: as a model does it, the launches of a lone token among them; else each part by itself.
  Mixture(const Sizes& sizes, bool lone, std::uint64_t seed)
      : LoneToken({.products = CudaProducts::fp8, .tensor_core_inputs = 128, .lone_experts = lone}, sizes.channels,
                  seed),
        sizes_(sizes),
        lone_(lone) {
    for (std::int64_t expert = 0; expert < sizes.experts; ++expert)
      experts_.push_back(expert_of(WeightFormat::fp4_group));
    shared_ = expert_of(WeightFormat::fp8_block);
    gate_ = weight(WeightFormat::bf16, sizes.experts, sizes.channels);
    logits_ = arena_.take<float, 2>({1, sizes.experts});
    bias_ = arena_.take<float, 1>({sizes.experts});
    hash_ = arena_.take<std::int32_t, 2>({kVocab, sizes.selected});
    chosen_ = arena_.take<std::int32_t, 2>({1, sizes.selected});
    weights_ = arena_.take<float, 2>({1, sizes.selected});
    out_ = arena_.take<float, 2>({1, sizes.channels});
    fill(bias_);
    fill(post_);
    fill(comb_);
    std::vector<std::int32_t> rows;  // most tokens name experts twice, the last one also side by side
    for (std::int32_t token = 0; token < kVocab; ++token)
      for (std::int64_t slot = 0; slot < sizes.selected; ++slot)
        rows.push_back(token + 1 == kVocab && slot == 1
                           ? rows.back()
                           : static_cast<std::int32_t>((token + 3 * slot) % sizes.experts));
    upload(std::span<const std::int32_t>(rows), hash_.data());
  }

  // The streams behind a step.
  std::vector<float> step(std::int32_t token) {
    fill(x_);
    fill(streams_);
    backend_->begin_step(1);
    const std::vector<std::int32_t> ids = {token % kVocab};
    if (sizes_.behind_streams) {
      const HyperConnectionArgs begins = beginning();
      begin(begins);
      mix(ids, lone_ ? &begins : nullptr);
      if (!lone_) begin(begins);
    }
    mix(ids, nullptr);
    backend_->end_step();
    return downloaded(*backend_, View<const float, 3>(streams_));
  }

 private:
  void begin(const HyperConnectionArgs& args) {
    backend_->hyper_connection(args);
    if (!lone_) copy_spare();
  }
  void mix(const std::vector<std::int32_t>& ids, const HyperConnectionArgs* next) {
    backend_->mixture(
        {.x = x_,
         .gate = *gate_,
         .logits = logits_,
         .route = {.logits = logits_,
                   .bias = sizes_.hashed ? View<const float, 1>() : View<const float, 1>(bias_),
                   .hash = sizes_.hashed ? View<const std::int32_t, 2>(hash_) : View<const std::int32_t, 2>(),
                   .ids = ids,
                   .route_scale = 1.5F,
                   .selected = chosen_,
                   .weights = weights_},
         .experts = experts_,
         .shared = shared_,
         .limit = 2.0F,
         .arena = arena_,
         .out = out_,
         .into = {.y = out_, .post = post_, .comb = comb_, .streams = streams_},
         .next = next});
  }
  ExpertWeights expert_of(WeightFormat format) {
    ExpertWeights expert;
    expert.w1 = weight(format, sizes_.dim, sizes_.channels);
    expert.w2 = weight(format, sizes_.channels, sizes_.dim);
    expert.w3 = weight(format, sizes_.dim, sizes_.channels);
    return expert;
  }

  Sizes sizes_;
  bool lone_;
  std::vector<ExpertWeights> experts_;
  ExpertWeights shared_;
  std::unique_ptr<PreparedWeight> gate_;
  View<float, 2> logits_, weights_, out_;
  View<float, 1> bias_;
  View<std::int32_t, 2> hash_, chosen_;
};

bool is_one_launch(const Sizes& sizes) {
  cuda::ProductDevice device = cuda::product_device(0);
  device.lone_experts = true;
  const cuda::ExpertTables tables = {
      .kind = cuda::TileKind::fp4, .experts = sizes.experts, .channels = sizes.channels, .expert_dim = sizes.dim};
  return cuda::lone_shape(device, tables, cuda::Operand::e4m3).blocks > 0;
}

class LoneMixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string obstacle = cuda_obstacle({}); !obstacle.empty()) GTEST_SKIP() << obstacle;
    if (!is_one_launch({})) GTEST_SKIP() << "experts in one launch are for FP8's warpgroups, on a device of their size";
  }
};

constexpr std::int32_t kSteps = 60;  // several graphs

TEST_F(LoneMixture, HasTheBitsOfALaunchForEachProduct) {
  for (const Sizes& sizes :
       {Sizes(), Sizes{.hashed = true}, Sizes{.channels = 1024, .experts = 24, .selected = 8}, Sizes{.selected = 1},
        Sizes{.channels = 1536, .hashed = true}, Sizes{.channels = 1024, .behind_streams = true},
        Sizes{.channels = 4096, .behind_streams = true},
        Sizes{.channels = 1536, .hashed = true, .behind_streams = true}}) {
    ASSERT_TRUE(is_one_launch(sizes));
    Mixture lone(sizes, true, 3);
    Mixture apart(sizes, false, 3);
    for (std::int32_t step = 0; step < kSteps; ++step)
      ASSERT_EQ(lone.step(step), apart.step(step)) << sizes.channels << " channels, " << sizes.selected << " chosen"
                                                   << (sizes.hashed ? " by hash" : "") << ", step " << step;
  }
}

TEST_F(LoneMixture, TwoBackendsOnOneDeviceDoNotWaitForOneAnother) {
  const auto all = [](bool lone, std::uint64_t seed) {
    Mixture mixture({.channels = 1024, .behind_streams = true}, lone, seed);
    std::vector<std::vector<float>> found;
    for (std::int32_t step = 0; step < 20 * kSteps; ++step) found.push_back(mixture.step(step));
    return found;
  };
  std::vector<std::vector<float>> other;
  std::thread thread([&] { other = all(true, 5); });
  const auto one = all(true, 4);
  thread.join();
  EXPECT_EQ(one, all(false, 4));
  EXPECT_EQ(other, all(false, 5));
}

}  // namespace
}  // namespace fathom
