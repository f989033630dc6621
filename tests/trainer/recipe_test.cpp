#include "fathom/trainer/recipe.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

using testing::input_error_of;
using testing::TemporaryFolder;

constexpr std::string_view kRecipe = R"([model]
config = "config.json"
seed = 3

[[stages]]
name = "first"
tokens = 1000
length = 128
rows = 2
micro_batches = 2
attention = "sparse"
learning_rate = { peak = 2e-3, end = 1e-4, warmup_steps = 3, decay_from = 0.5, shape = "linear" }
mixture = [{ shard = "a.shard" }, { shard = "b.shard", weight = 0.5 }]
)";

class RecipeTest : public ::testing::Test {
 protected:
  Recipe load(std::string_view text, const std::vector<std::string>& settings = {}) {
    testing::write_file(file_, text);
    return load_recipe(file_, settings);
  }
  std::string error(std::string_view text, const std::vector<std::string>& settings = {}) {
    return input_error_of([&] { load(text, settings); });
  }
  static std::string with(std::string_view from, std::string_view to) {
    std::string text(kRecipe);
    text.replace(text.find(from), from.size(), to);
    return text;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "run.toml";
};

TEST_F(RecipeTest, ReadsAStage) {
  const Recipe recipe = load(kRecipe);
  EXPECT_EQ(recipe.config, folder_.path() / "config.json");
  EXPECT_EQ(recipe.seed, 3);
  EXPECT_EQ(recipe.optimizer, OptimizerKind::published);
  ASSERT_EQ(recipe.stages.size(), 1U);
  const Stage& stage = recipe.stages[0];
  EXPECT_EQ(stage.attention, AttentionStage::sparse);
  EXPECT_EQ(stage.tokens_per_step(), 512);
  EXPECT_EQ(stage.steps(), 2);
  EXPECT_EQ(
      stage.learning_rate,
      (LearningRate{.peak = 2e-3, .end = 1e-4, .warmup_steps = 3, .decay_from = 0.5, .shape = DecayShape::linear}));
  ASSERT_EQ(stage.mixture.size(), 2U);
  EXPECT_EQ(stage.mixture[1].shard, folder_.path() / "b.shard");
  EXPECT_EQ(stage.mixture[1].weight, 0.5);
}

TEST_F(RecipeTest, SettingsReplaceValues) {
  const Recipe recipe = load(kRecipe, {"stages.0.tokens=5000", "stages.0.learning_rate.peak=1", "run.device=cpu",
                                       "stages.0.mixture.1.weight=2", "optimizer.kind=adamw"});
  EXPECT_EQ(recipe.stages[0].tokens, 5000);
  EXPECT_EQ(recipe.stages[0].learning_rate.peak, 1.0);
  EXPECT_EQ(recipe.stages[0].mixture[1].weight, 2.0);
  EXPECT_EQ(recipe.device, "cpu");
  EXPECT_EQ(recipe.optimizer, OptimizerKind::adamw);
  EXPECT_NE(error(kRecipe, {"stages.1.tokens=5"}).find("list of 1"), std::string::npos);
  EXPECT_NE(error(kRecipe, {"tokens"}).find("KEY=VALUE"), std::string::npos);
  EXPECT_NE(error(kRecipe, {"model.seed.x=5"}).find("[recipe] --set"), std::string::npos);
}

TEST_F(RecipeTest, FaultsNameTheLineAndTheKey) {
  EXPECT_EQ(error(with("rows = 2", "row = 2")),
            fmt::format("[recipe] {}", file_.string()) +
                ":9: unknown key stages[0].row; known here: anticipate, attention, balance_speed, balance_weight, "
                "indexer_weight, learning_rate, length, micro_batches, mixture, mtp_weight, mtp_weight_decayed, name, "
                "released_precision, rows, tokens, train, weight_decay");
  EXPECT_NE(error(with("length = 128", "length = 130")).find(":8: stages[0].length is 130, expected a multiple of 128"),
            std::string::npos);
  EXPECT_NE(error(with("tokens = 1000", "tokens = 0")).find("stages[0].tokens is 0, expected 1 to"), std::string::npos);
  EXPECT_NE(error(with("\"sparse\"", "\"spare\"")).find("is \"spare\", expected one of: dense, indexer_warmup, sparse"),
            std::string::npos);
  EXPECT_NE(error(with("name = \"first\"", "")).find("stages[0].name is missing"), std::string::npos);
  EXPECT_NE(error(with("peak = 2e-3", "peak = \"x\"")).find("stages[0].learning_rate.peak is no number"),
            std::string::npos);
  EXPECT_NE(error(with("weight = 0.5", "wait = 0.5")).find("unknown key stages[0].mixture[1].wait"), std::string::npos);
  EXPECT_NE(error(with("[model]", "[modle]")).find("model.config is missing"), std::string::npos);
  EXPECT_NE(error(fmt::format("{}[extra]\n", kRecipe)).find("unknown key extra"), std::string::npos);
  EXPECT_NE(error(with("\"sparse\"", "\"indexer_warmup\"")).find("expected \"indexer\""), std::string::npos);
  EXPECT_NE(error("[model\n").find(":1: "), std::string::npos);
  EXPECT_NE(input_error_of([&] { load_recipe(folder_.path() / "none.toml", {}); }).find("cannot read"),
            std::string::npos);
}

TEST_F(RecipeTest, IdentityKnowsWhatDecidesTheWeights) {
  const std::vector<std::string> identity = load(kRecipe).identity();
  EXPECT_EQ(identity, load(kRecipe, {"run.log_every=7", "run.device=cpu"}).identity());
  for (const char* setting : {"model.seed=4", "stages.0.rows=4", "stages.0.learning_rate.peak=1e-3",
                              "stages.0.mixture.0.weight=3", "optimizer.clip=2", "stages.0.anticipate=1"})
    EXPECT_NE(identity, load(kRecipe, {setting}).identity()) << setting;
}

}  // namespace
}  // namespace fathom::train
