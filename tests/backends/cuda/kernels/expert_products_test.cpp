// Routed experts on a CUDA device: against double precision, with one expert that takes all, experts that nobody takes
// and experts that are elsewhere, and against themselves among other tokens, bit for bit.
#include <numeric>
#include <set>

#include "fathom/backends/cuda/kernels/lone_experts.h"
#include "tests/backends/cuda/kernels/product_support.h"

namespace fathom::cuda {
namespace {

struct Routing {
  std::vector<std::int32_t> selected;
  std::vector<float> weights;
};

class Experts {
 public:
  // `uneven`: 3 * expert + 0, 1 and 2 for its w1, w2 and w3: one group of a row lies far below the others.
  Experts(WeightFormat format, std::int64_t experts, std::int64_t model_channels, std::int64_t expert_dim,
          Random& random, std::set<std::size_t> uneven = {})
      : channels(model_channels), dim(expert_dim) {
    const std::int64_t rows = format == WeightFormat::fp8_block ? 128 : 1;
    const std::int64_t columns = format == WeightFormat::fp8_block ? 128 : 32;
    const auto add = [&](std::vector<ExactWeight>& to, std::int64_t out, std::int64_t in) {
      TestWeight weight({format, out, in, rows, columns}, random);
      if (uneven.contains(prepared_.size())) weight.scale()[static_cast<std::size_t>(70 * in / 32 + 3)] = std::byte{90};
      to.emplace_back(weight);
      prepared_.emplace_back(weight);
    };
    for (std::int64_t expert = 0; expert < experts; ++expert) {
      add(w1, dim, channels);
      add(w2, channels, dim);
      add(w3, dim, channels);
    }
    std::vector<const std::uint8_t*> tables[3];
    for (std::size_t index = 0; index < prepared_.size(); ++index)
      tables[index % 3].push_back(prepared_[index].product().tiles);
    for (const auto& table : tables) tables_.emplace_back(std::span<const std::uint8_t* const>(table));
    tables[0][1] = nullptr;
    tables_.emplace_back(std::span<const std::uint8_t* const>(tables[0]));
  }

  ExpertTables tables(bool without_expert_1 = false) const {
    return {.kind = prepared_.front().product().kind,
            .parts = prepared_.front().product().parts,
            .experts = static_cast<std::int64_t>(w1.size()),
            .channels = channels,
            .expert_dim = dim,
            .w1 = tables_[without_expert_1 ? 3 : 0].data(),
            .w2 = tables_[1].data(),
            .w3 = tables_[2].data()};
  }

  // w1, w2 and w3 are 0, 1 and 2.
  const ProductWeight& product(std::int64_t expert, int which) const { return prepared_[3 * expert + which].product(); }

  const std::int64_t channels;
  const std::int64_t dim;
  std::vector<ExactWeight> w1;
  std::vector<ExactWeight> w2;
  std::vector<ExactWeight> w3;

 private:
  std::vector<DeviceWeight> prepared_;
  std::vector<DeviceArray<const std::uint8_t*>> tables_;
};

constexpr float kLimit = 10.0F;

class CudaExperts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_device()) GTEST_SKIP() << "no CUDA device: routed experts were not run";
    device = product_device(0);
  }

  std::vector<Operand> operands(const ExpertTables& tables) const {
    std::vector<Operand> all = {Operand::f16};
    if (product_operand(device, Activations::fp8, tables.kind) == Operand::e4m3) all.push_back(Operand::e4m3);
    return all;
  }

  // With `packs` from rows that are packed already.
  std::vector<float> run(const ExpertTables& tables, std::span<const float> x, const Routing& routing,
                         std::int64_t slots, Operand operand, bool packs = false, std::int64_t offset = 1) const {
    const std::int64_t tokens = static_cast<std::int64_t>(x.size()) / tables.channels;
    const DeviceArray<float> on_device(x, offset);
    const DeviceArray<std::int32_t> selected{std::span<const std::int32_t>(routing.selected)};
    const DeviceArray<float> weights{std::span<const float>(routing.weights)};
    DeviceArray<std::uint8_t> workspace(expert_workspace_bytes(device, tables, tokens, slots, operand));
    const DeviceArray<float> out(tokens * tables.channels, 1);
    DeviceArray<std::uint8_t> blocks(packed_rows_bytes(tokens, tables.channels, 1, operand));
    const PackedRows packed =
        pack_rows(device, {.x = on_device.data(), .rows = tokens, .in = tables.channels, .row_stride = tables.channels},
                  PackedBy::launch, operand, blocks.data(), nullptr);
    expert_products(device,
                    {.experts = tables,
                     .x = on_device.data(),
                     .selected = selected.data(),
                     .weights = weights.data(),
                     .tokens = tokens,
                     .slots = slots,
                     .limit = kLimit,
                     .out = out.data(),
                     .packed = packs ? &packed : nullptr},
                    operand, workspace.data(), nullptr);
    cuda_check(cudaDeviceSynchronize(), "expert_products");
    return out.host();
  }

  Routing random_routing(std::int64_t tokens, std::int64_t slots, std::int64_t experts) {
    Routing routing;
    for (std::int64_t token = 0; token < tokens; ++token) {
      std::vector<std::int32_t> all(static_cast<std::size_t>(experts));
      std::iota(all.begin(), all.end(), 0);
      for (std::int64_t slot = 0; slot < slots; ++slot) std::swap(all[slot], all[slot + random.below(experts - slot)]);
      std::sort(all.begin(), all.begin() + slots);
      routing.selected.insert(routing.selected.end(), all.begin(), all.begin() + slots);
      for (std::int64_t slot = 0; slot < slots; ++slot)
        routing.weights.push_back(static_cast<float>(random.uniform(0.1, 1.0)));
    }
    return routing;
  }

  // One token of an expert in double precision.
  static std::vector<float> activation(const Experts& experts, std::int64_t expert, std::span<const double> x,
                                       float weight) {
    std::vector<float> activated;
    for (std::int64_t output = 0; output < experts.dim; ++output) {
      const double gate = std::min(experts.w1[expert].sum(output, x).sum, double{kLimit});
      const double up = std::clamp(experts.w3[expert].sum(output, x).sum, -double{kLimit}, double{kLimit});
      activated.push_back(static_cast<float>(gate / (1.0 + std::exp(-gate)) * up * static_cast<double>(weight)));
    }
    return activated;
  }

  void check_against_doubles(const Experts& experts, std::span<const float> x, const Routing& routing,
                             std::int64_t slots) const {
    const std::int64_t tokens = static_cast<std::int64_t>(x.size()) / experts.channels;
    const std::vector<float> found = run(experts.tables(), x, routing, slots, Operand::f16);
    for (std::int64_t token = 0; token < tokens; ++token) {
      const auto row = rounded_row(x.subspan(token * experts.channels, experts.channels), Operand::f16);
      std::vector<double> expected(static_cast<std::size_t>(experts.channels));
      std::vector<double> magnitude(expected.size());
      for (std::int64_t slot = token * slots; slot < (token + 1) * slots; ++slot) {
        const std::int32_t expert = routing.selected[slot];
        const auto activated = rounded_row(activation(experts, expert, row, routing.weights[slot]), Operand::f16);
        for (std::int64_t channel = 0; channel < experts.channels; ++channel) {
          const ExactSum exact = experts.w2[expert].sum(channel, activated);
          expected[channel] += exact.sum;
          magnitude[channel] += exact.magnitude;
        }
      }
      op_test::expect_close(std::span(found).subspan(token * experts.channels, experts.channels), expected, magnitude,
                            op_test::kExperts, "token " + std::to_string(token));
    }
  }

  // One slot by the dense products, which have tests of their own.
  std::vector<float> slot_by_dense_products(const Experts& experts, std::int64_t expert, std::span<const float> x,
                                            float weight, Operand operand) const {
    const DeviceArray<float> gate{
        std::span<const float>(product_of(device, experts.product(expert, 0), x, 1, operand))};
    const DeviceArray<float> up{std::span<const float>(product_of(device, experts.product(expert, 2), x, 1, operand))};
    const DeviceArray<float> weights(std::span<const float>(&weight, 1));
    DeviceArray<std::uint8_t> workspace(packed_rows_bytes(1, experts.dim, 1, operand));
    const SwigluRows rows = {
        .gate = gate.data(), .up = up.data(), .weights = weights.data(), .rows = 1, .in = experts.dim, .limit = kLimit};
    const PackedRows packed = pack_swiglu(device, rows, operand, workspace.data(), nullptr);
    const DeviceArray<float> out(experts.channels);
    const ProductOutput output = {&experts.product(expert, 1), out.data(), experts.channels};
    multiply(device, {&output, 1}, packed, nullptr);
    return out.host();
  }

  ProductDevice device;
  Random random{5};
};

TEST_F(CudaExperts, AgreeWithDoubles) {
  for (const WeightFormat format : {WeightFormat::fp4_group, WeightFormat::fp8_block, WeightFormat::bf16}) {
    const Experts experts(format, 9, 200, 136, random);
    for (const std::int64_t tokens : {1, 2, 5, 40, 150})
      check_against_doubles(experts, random_rows(random, tokens, 200), random_routing(tokens, 3, 9), 3);
  }
}

TEST_F(CudaExperts, EqualTheDenseProductsToTheBit) {
  for (const WeightFormat format : {WeightFormat::fp4_group, WeightFormat::fp8_block}) {
    const Experts experts(format, 7, 300, 200, random);
    for (const std::int64_t tokens : {1, 3, 20}) {
      const std::vector<float> x = random_rows(random, tokens, 300);
      const Routing routing = random_routing(tokens, 2, 7);
      for (const Operand operand : operands(experts.tables())) {
        const std::vector<float> found = run(experts.tables(), x, routing, 2, operand);
        std::vector<float> expected;
        for (std::int64_t token = 0; token < tokens; ++token) {
          const auto row = std::span(x).subspan(token * 300, 300);
          std::vector<float> sum(300, 0.0F);
          for (std::int64_t slot = 2 * token; slot < 2 * token + 2; ++slot) {
            const auto of_slot =
                slot_by_dense_products(experts, routing.selected[slot], row, routing.weights[slot], operand);
            for (std::size_t channel = 0; channel < sum.size(); ++channel) sum[channel] += of_slot[channel];
          }
          expected.insert(expected.end(), sum.begin(), sum.end());
        }
        op_test::expect_same_bits(found, expected, std::to_string(tokens) + " tokens");
      }
    }
  }
}

TEST_F(CudaExperts, OneTakesAllAndOthersNothing) {
  const Experts experts(WeightFormat::fp4_group, 6, 128, 96, random);
  for (const std::int64_t tokens : {1, 7, 33, 130, 192, 193, 224, 225, 416, 417}) {
    Routing routing = random_routing(tokens, 1, 6);
    std::fill(routing.selected.begin(), routing.selected.end(), 4);
    check_against_doubles(experts, random_rows(random, tokens, 128), routing, 1);
  }
}

TEST_F(CudaExperts, AnExpertThatIsElsewhereCountsAsZero) {
  const Experts experts(WeightFormat::fp4_group, 4, 128, 64, random);
  const std::int64_t tokens = 20;
  const std::vector<float> x = random_rows(random, tokens, 128);
  Routing routing = random_routing(tokens, 2, 4);
  const std::vector<float> without = run(experts.tables(true), x, routing, 2, Operand::f16);
  for (std::size_t slot = 0; slot < routing.selected.size(); ++slot)
    if (routing.selected[slot] == 1) routing.weights[slot] = 0.0F;
  const std::vector<float> weightless = run(experts.tables(), x, routing, 2, Operand::f16);
  for (std::size_t index = 0; index < without.size(); ++index) EXPECT_EQ(without[index], weightless[index]) << index;
}

TEST_F(CudaExperts, NoTokens) {
  const Experts experts(WeightFormat::fp4_group, 2, 64, 64, random);
  EXPECT_TRUE(run(experts.tables(), {}, {}, 2, Operand::f16).empty());
}

// A token by itself, among few, among many that crowd its experts: the same bits.
TEST_F(CudaExperts, ATokenHasTheSameBitsAmongAnyOthers) {
  for (const WeightFormat format : {WeightFormat::fp4_group, WeightFormat::fp8_block}) {
    const Experts experts(format, 8, 640, 384, random);
    const std::int64_t most = 1500;
    const std::vector<float> x = random_rows(random, most, 640);
    const Routing routing = random_routing(most, 3, 8);
    for (const Operand operand : operands(experts.tables())) {
      const std::vector<float> all = run(experts.tables(), x, routing, 3, operand);
      for (const std::int64_t tokens : {1, 2, 3, 6, 11, 24, 50, 90, 400}) {
        const std::int64_t first = random.below(most - tokens + 1);
        const auto cut = [&](const auto& of) {
          return std::vector(of.begin() + first * 3, of.begin() + (first + tokens) * 3);
        };
        const std::vector<float> some = run(experts.tables(), std::span(x).subspan(first * 640, tokens * 640),
                                            {cut(routing.selected), cut(routing.weights)}, 3, operand);
        op_test::expect_same_bits(some, std::span(all).subspan(first * 640, tokens * 640),
                                  std::to_string(tokens) + " tokens of " + std::to_string(most));
      }
    }
  }
}

// Crowds whose last units have any number of columns, beside few: experts of even tiles, and of some that are not, rows
// that are no numbers, nothing, or large.
TEST_F(CudaExperts, CrowdsOfAnySizeHaveTheBitsOfFew) {
  constexpr std::int64_t kChannels = 320;
  const Experts experts(WeightFormat::fp4_group, 3, kChannels, 256, random, {1, 3 + 2, 6 + 0});
  for (const std::int64_t tokens : {33, 64, 65, 96, 97, 160, 192, 193, 224, 225, 256, 417, 700}) {
    std::vector<float> x = random_rows(random, tokens, kChannels);
    x[7 * kChannels + 3] = INFINITY;
    x[20 * kChannels + 200] = NAN;
    std::fill_n(x.begin() + 30 * kChannels, kChannels, 0.0F);
    std::fill_n(x.begin() + 31 * kChannels, kChannels, 0x1p60F);
    Routing routing = random_routing(tokens, 1, 3);
    for (const std::int32_t expert : {0, 1, 2}) {
      std::fill(routing.selected.begin(), routing.selected.end(), expert);
      for (const Operand operand : operands(experts.tables())) {
        const std::vector<float> all = run(experts.tables(), x, routing, 1, operand);
        op_test::expect_same_bits(run(experts.tables(), x, routing, 1, operand, true), all, "packed before");
        constexpr std::int64_t kFew = 24;
        for (std::int64_t first = 0; first < tokens; first += kFew) {
          const std::int64_t count = std::min(kFew, tokens - first);
          const auto cut = [&](const auto& of) { return std::vector(of.begin() + first, of.begin() + first + count); };
          op_test::expect_same_bits(run(experts.tables(), std::span(x).subspan(first * kChannels, count * kChannels),
                                        {cut(routing.selected), cut(routing.weights)}, 1, operand),
                                    std::span(all).subspan(first * kChannels, count * kChannels),
                                    std::to_string(tokens) + " tokens of expert " + std::to_string(expert));
        }
      }
    }
  }
}

// More slots than one thread block plans, experts that are crowded, empty and elsewhere.
TEST_F(CudaExperts, ManySlotsHaveTheSameBits) {
  constexpr std::int64_t kTokens = 3000;
  const Experts experts(WeightFormat::fp4_group, 70, 128, 128, random);
  const std::vector<float> x = random_rows(random, kTokens, 128);
  Routing routing = random_routing(kTokens, 6, 70);
  for (std::size_t slot = 0; slot < routing.selected.size(); ++slot)
    if (slot % 6 == 1 && slot < 9000) routing.selected[slot] = 1;
  std::replace(routing.selected.begin(), routing.selected.end(), 33, 34);
  for (const Operand operand : operands(experts.tables()))
    for (const bool without : {false, true}) {
      const std::vector<float> all = run(experts.tables(without), x, routing, 6, operand);
      op_test::expect_same_bits(run(experts.tables(without), x, routing, 6, operand, true), all, "packed before");
      for (const std::int64_t first : {0, 1400, 2400}) {
        constexpr std::int64_t kSome = 600;  // 3,600 slots
        const auto cut = [&](const auto& of) {
          return std::vector(of.begin() + first * 6, of.begin() + (first + kSome) * 6);
        };
        op_test::expect_same_bits(run(experts.tables(without), std::span(x).subspan(first * 128, kSome * 128),
                                      {cut(routing.selected), cut(routing.weights)}, 6, operand),
                                  std::span(all).subspan(first * 128, kSome * 128), std::to_string(first));
      }
    }
}

// More blocks of inputs than a thread block of a lone token fetches at once.
TEST_F(CudaExperts, ALoneTokenOfManyInputsHasTheSameBits) {
  constexpr std::int64_t kChannels = 7000;
  constexpr std::int64_t kMost = 90;
  const Experts experts(WeightFormat::fp4_group, 3, kChannels, 128, random);
  const std::vector<float> x = random_rows(random, kMost, kChannels);
  const Routing routing = random_routing(kMost, 2, 3);
  for (const Operand operand : operands(experts.tables())) {
    const std::vector<float> all = run(experts.tables(), x, routing, 2, operand);
    for (const std::int64_t token : {0, 41, 89}) {
      const auto row = std::span(x).subspan(token * kChannels, kChannels);
      const auto own = [&](const auto& of) { return std::vector(of.begin() + token * 2, of.begin() + token * 2 + 2); };
      op_test::expect_same_bits(run(experts.tables(), row, {own(routing.selected), own(routing.weights)}, 2, operand),
                                std::span(all).subspan(token * kChannels, kChannels), std::to_string(token));
    }
  }
}

// By tables of hashes: an expert then has more rows than there are tokens. Beside it, the tokens among many.
TEST_F(CudaExperts, AnExpertNamedTwiceByATokenHasTheSameBits) {
  constexpr std::int64_t kMany = 12;
  constexpr std::int64_t kSlots = 6;
  for (const auto& [channels, dim] : {std::pair<std::int64_t, std::int64_t>{1536, 512}, {512, 1536}, {4096, 1024}}) {
    const Experts experts(WeightFormat::fp4_group, 9, channels, dim, random);
    const std::vector<float> x = random_rows(random, kMany, channels);
    Routing routing = random_routing(kMany, kSlots, 9);
    for (std::int64_t token = 0; token < kMany; ++token)
      for (std::int64_t again = 0; again <= token % 3; ++again)
        routing.selected[token * kSlots + again + 1] = routing.selected[token * kSlots];
    for (const Operand operand : operands(experts.tables())) {
      const std::vector<float> all = run(experts.tables(), x, routing, kSlots, operand);
      for (const std::int64_t tokens : {1, 2, 3, 5})
        for (std::int64_t first = 0; first < 3; ++first) {
          const auto own = [&](const auto& of) {
            return std::vector(of.begin() + first * kSlots, of.begin() + (first + tokens) * kSlots);
          };
          op_test::expect_same_bits(run(experts.tables(), std::span(x).subspan(first * channels, tokens * channels),
                                        {own(routing.selected), own(routing.weights)}, kSlots, operand),
                                    std::span(all).subspan(first * channels, tokens * channels),
                                    std::to_string(channels) + ", " + std::to_string(tokens) + " tokens");
        }
    }
  }
}

// In one launch, of one group of experts or several, some with less than others; beside it, the same token among two.
// Elsewhere the lone launch is not taken (expert_products.cpp).
constexpr std::int64_t kWhereRowsAreFours = 0;

TEST_F(CudaExperts, ALoneTokenInOneLaunchHasTheSameBits) {
  device.lone_experts = true;
  const ProductDevice whole = device;
  for (const auto& [channels, dim] : {std::pair<std::int64_t, std::int64_t>{512, 512}, {1536, 512}, {1024, 1024}}) {
    const Experts experts(WeightFormat::fp4_group, 9, channels, dim, random);
    const auto tiles = static_cast<int>(std::max(2 * dim, channels) / kTileRows);
    const std::vector<float> x = random_rows(random, 2, channels);
    for (const std::int64_t slots : {1, 2, 5, 6, 7})
      for (const bool without_expert_1 : {false, true}) {
        Routing routing = random_routing(2, slots, 9);
        if (slots == 5) routing.selected[1] = routing.selected[0];  // an expert named twice
        device = whole;
        std::vector<float> among = run(experts.tables(without_expert_1), x, routing, slots, Operand::e4m3);
        among.resize(static_cast<std::size_t>(channels));
        const auto own = [&](const auto& of) { return std::vector(of.begin(), of.begin() + slots); };
        for (const int group : {1, 2, 3}) {
          if (group * tiles > whole.multiprocessors) continue;
          device.multiprocessors = group * tiles + 1;
          EXPECT_EQ(lone_shape(device, experts.tables(), Operand::e4m3).group_items,
                    device.capability == 90 ? group : 0);
          for (int turn = 0; turn < 3; ++turn)
            op_test::expect_same_bits(
                run(experts.tables(without_expert_1), std::span(x).first(channels),
                    {own(routing.selected), own(routing.weights)}, slots, Operand::e4m3, false, kWhereRowsAreFours),
                among, std::to_string(slots) + " slots, groups of " + std::to_string(group));
        }
      }
  }
}

}  // namespace
}  // namespace fathom::cuda
