// Which instruction sets there are, that kernels run with the one that was asked for, and that exponentials, which need
// a multiply-add rounded once, have the same bits with all of them.
#include "fathom/backends/cpu/instruction_set.h"

#include <limits>

#include "fathom/backends/cpu/kernels/rows.h"
#include "fathom/ops/released_arithmetic.h"
#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

TEST(InstructionSet, TheBestIsUsedUntilAnotherIsAskedFor) {
  const std::vector<std::string> names = instruction_sets();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(instruction_set_in_use(), names.front());
  for (const std::string& name : names) {
    use_instruction_set(name);
    EXPECT_EQ(instruction_set_in_use(), name);
    EXPECT_EQ(instruction_sets(), names) << "one that is not used is still there";
  }
  use_instruction_set("best");
  EXPECT_EQ(instruction_set_in_use(), names.front());
  use_instruction_set(names.back());
  use_instruction_set("");
  EXPECT_EQ(instruction_set_in_use(), names.front());
}

// What is stored by one is read by the other (store/prefix_disk.h).
TEST(InstructionSet, TheBestComputesAsTheSetOfItsName) {
  CpuBackend backend{CpuOptions{.threads = 1}};
  const std::string best = backend.numerics();
  use_instruction_set(instruction_sets().front());
  EXPECT_EQ(backend.numerics(), best);
  use_instruction_set(instruction_sets().back());
  EXPECT_EQ(backend.numerics() == best, instruction_sets().size() == 1);
  use_instruction_set("best");
}

TEST(InstructionSet, RefusalsNameWhatWasAskedForAndWhatThereIs) {
  const std::string before = instruction_set_in_use();
  const std::string fault = fault_of<InputError>([] { use_instruction_set("avx9"); });
  expect_names(fault, {"[cpu]", "avx9", "best", before.c_str()});
  for (const std::string& name : instruction_sets()) expect_names(fault, {name.c_str()});
  EXPECT_EQ(instruction_set_in_use(), before);
}

class ExponentialTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};
};

// silu(x) = x / (1 + e^-x), so that every e^-x that changes 1 + e^-x is seen; and e^x itself, large enough to be seen.
TEST_P(ExponentialTest, BitsOfTheReleasedOne) {
  constexpr std::int64_t kCount = 1 << 18;
  Random random(5);
  const Array<float> gate(kCount);
  const Array<float> up(kCount);
  for (std::int64_t index = 0; index < kCount; ++index) {
    gate[index] = static_cast<float>(random.uniform(-100.0, index % 2 == 0 ? 18.0 : -5.0));
    up[index] = std::ldexp(1.0F, 20);
  }
  const Array<float> found(kCount);
  CpuBackend({.threads = 1})
      .swiglu({.gate = gate.view<2>({1, kCount}),
               .up = up.view<2>({1, kCount}),
               .limit = 0.0F,
               .weight = {},
               .out = found.view<2>({1, kCount})});
  for (std::int64_t index = 0; index < kCount; ++index) {
    const float silu = gate[index] / (1.0F + released_exp(-gate[index]));
    const float expected = silu * up[index];
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[index]), std::bit_cast<std::uint32_t>(expected))
        << "gate " << gate[index] << ": found " << found[index] << ", expected " << expected;
  }
}

// sqrt(softplus(x)), the router's score: an exponential and a logarithm.
TEST_P(ExponentialTest, BitsOfTheReleasedRoutingScore) {
  constexpr std::int64_t kCount = (1 << 16) + 3;
  Random random(6);
  const Array<float> logits(kCount);
  for (std::int64_t index = 0; index < kCount; ++index)
    logits[index] = static_cast<float>(random.uniform(index % 2 == 0 ? -110.0 : -3.0, index % 2 == 0 ? 25.0 : 3.0));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {0.0F, -0.0F, 20.0F, std::nextafter(20.0F, 21.0F), kInfinity, -kInfinity, 1e-38F};
  std::copy(special.begin(), special.end(), logits.data());
  const Array<float> found(kCount);
  routing_scores_row(logits.data(), kCount, found.data());
  for (std::int64_t index = 0; index < kCount; ++index)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[index]),
              std::bit_cast<std::uint32_t>(released_routing_score(logits[index])))
        << "logit " << logits[index] << ": found " << found[index];
  for (const float nan : {std::nanf(""), -std::nanf("")}) {
    routing_scores_row(&nan, 1, found.data());
    EXPECT_TRUE(std::isnan(found[0]));
    EXPECT_EQ(std::signbit(found[0]), std::signbit(nan)) << "NaN ranks by its sign";
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ExponentialTest, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
