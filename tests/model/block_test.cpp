#include "fathom/model/block.h"

#include <gtest/gtest.h>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

class BlockTest : public PartTest {
 protected:
  std::vector<float> run(std::int64_t index) {
    recorder_.forget();
    const Step step = next_step({5, 2});
    const auto streams = random_rows(7, 3 * 64).reshape<3>({7, 3, 64});
    Block(config_, layout_, index, weights_.layers[static_cast<std::size_t>(index)]).forward(step, streams);
    end_step();
    return {streams.span().begin(), streams.span().end()};
  }
};

TEST_F(BlockTest, AttentionComesBeforeTheExperts) {
  run(3);
  const auto at = [&](const char* weight) { return recorder_.only("linear", weight).index; };
  EXPECT_LT(at("layers.3.hc_attn_fn"), at("layers.3.attn.wq_a"));
  EXPECT_LT(at("layers.3.attn.wq_a"), at("layers.3.attn.wo_b"));
  EXPECT_LT(at("layers.3.attn.wo_b"), at("layers.3.hc_ffn_fn"));
  EXPECT_LT(at("layers.3.hc_ffn_fn"), at("layers.3.ffn.gate"));
}

// A sublayer reads the norm of the mixed streams: mix first, norm second.
TEST_F(BlockTest, EverySublayerReadsTheNormOfTheMixture) {
  run(2);
  const auto collapses = recorder_.all("collapse_streams");
  ASSERT_EQ(collapses.size(), 2U);
  const char* norms[] = {"layers.2.attn_norm.weight", "layers.2.ffn_norm.weight"};
  const char* readers[] = {"layers.2.attn.wq_a", "layers.2.ffn.gate"};
  for (std::size_t sublayer = 0; sublayer < 2; ++sublayer) {
    const Call norm = recorder_.next("rms_norm", collapses[sublayer].index);
    EXPECT_EQ(norm.index, collapses[sublayer].index + 1);
    EXPECT_EQ(norm.view("x").values, collapses[sublayer].view("out").values);
    EXPECT_EQ(norm.view("weight").values, floats(norms[sublayer]));
    EXPECT_EQ(norm.number("eps"), static_cast<double>(1e-5F));
    EXPECT_EQ(recorder_.only("linear", readers[sublayer]).view("x").values, norm.view("out").values);
  }
}

TEST_F(BlockTest, EverySublayerWritesBackWithItsOwnGates) {
  const std::vector<float> out = run(0);
  const auto expands = recorder_.all("expand_streams");
  const auto gates = recorder_.all("hyper_connection_gates");
  ASSERT_EQ(expands.size(), 2U);
  ASSERT_EQ(gates.size(), 2U);
  EXPECT_EQ(expands[0].view("y").values, recorder_.only("linear", "layers.0.attn.wo_b").view("out").values);
  for (std::size_t sublayer = 0; sublayer < 2; ++sublayer) {
    EXPECT_EQ(expands[sublayer].view("post").values, gates[sublayer].view("post").values);
    EXPECT_EQ(expands[sublayer].view("comb").values, gates[sublayer].view("comb").values);
    EXPECT_EQ(expands[sublayer].view("streams").values, gates[sublayer].view("streams").values)
        << "the streams are as they were when the gates were made";
  }
  EXPECT_EQ(gates[1].view("streams").values, expands[0].view("after.streams").values);
  EXPECT_EQ(expands[1].view("after.streams").values, out);
}

TEST_F(BlockTest, ScratchMemoryIsGivenBack) {
  run(1);
  const std::int64_t held = arena_.bytes();
  for (int round = 0; round < 20; ++round) {
    arena_.clear();
    run(1);
  }
  EXPECT_EQ(arena_.bytes(), held);
}

}  // namespace
}  // namespace fathom::testing
