#include "fathom/trainer/training_run.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string_view>

#include "fathom/tokenizer/tokenizer.h"
#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

TEST(TrainingRun, BytesOfTokensAreThoseOfTheirText) {
  const std::filesystem::path file = std::filesystem::path(FATHOM_SOURCE) / "models/sprat/tokenizer.json";
  const Tokenizer tokenizer = Tokenizer::load(file);
  const std::vector<std::int32_t> bytes = token_bytes(file, tokenizer.vocab() + 7);
  ASSERT_EQ(bytes.size(), static_cast<std::size_t>(tokenizer.vocab() + 7));
  constexpr std::string_view kText = "In the beginning, für alle: \xe6\x97\xa5\xe6\x9c\xac 123\n\n";
  std::int64_t sum = 0;
  for (const std::int32_t id : tokenizer.encode(kText)) sum += bytes[static_cast<std::size_t>(id)];
  EXPECT_EQ(sum, static_cast<std::int64_t>(kText.size()));
  EXPECT_TRUE(token_bytes({}, 100).empty());
}

TEST(TrainingRun, DevicesAndTypesByName) {
  EXPECT_TRUE(choose_device("cpu", 5).is_cpu());
  EXPECT_EQ(choose_compute("auto", torch::kCPU), torch::kFloat32);
  EXPECT_EQ(choose_compute("auto", torch::kCUDA), torch::kBFloat16);
  EXPECT_EQ(choose_compute("bfloat16", torch::kCPU), torch::kBFloat16);
  EXPECT_NE(testing::input_error_of([] { choose_device("tpu", 0); }).find("expected auto, cpu or cuda"),
            std::string::npos);
  EXPECT_NE(testing::input_error_of([] { choose_compute("int8", torch::kCPU); }).find("is \"int8\""),
            std::string::npos);
}

// A state has every tensor that decides what comes next, and another run takes them to the bit.
TEST(TrainingRun, SavesAndRestoresEveryTensor) {
  const testing::TemporaryFolder folder;
  RunOptions options;
  options.recipe = load_recipe(testing::write_smoke(folder.path()), {});
  options.out = folder.path() / "out";
  std::vector<std::string> notes;
  TrainingRun run(options, torch::kCPU, notes);
  torch::manual_seed(9);
  {
    const torch::NoGradGuard no_gradients;
    for (const Parameter& parameter : run.parameters().all()) parameter.value.normal_();
    for (const auto& [name, tensor] : run.optimizer().state())
      if (tensor.is_floating_point()) tensor.normal_();
  }
  run.place().step = 7;
  run.place().rows = "somewhere";
  run.save({{"routes.0", torch::arange(6, torch::kInt32)}});
  const torch::Tensor next = torch::rand({3});

  std::vector<std::string> later_notes;
  TrainingRun later(options, torch::kCPU, later_notes);
  EXPECT_TRUE(next.equal(torch::rand({3}))) << "the random state";
  EXPECT_EQ(later.place().text(), run.place().text());
  for (std::size_t place = 0; place < run.parameters().all().size(); ++place)
    EXPECT_TRUE(run.parameters().all()[place].value.equal(later.parameters().all()[place].value));
  const auto before = run.optimizer().state();
  const auto after = later.optimizer().state();
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t place = 0; place < before.size(); ++place)
    EXPECT_TRUE(before[place].second.equal(after[place].second)) << before[place].first;
  EXPECT_EQ(later.take_routes().size(), 1U);
  EXPECT_EQ(later_notes.back(), "goes on from step 7");
}

}  // namespace
}  // namespace fathom::train
