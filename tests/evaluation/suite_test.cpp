#include "fathom/evaluation/suite.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

class SuiteTest : public ::testing::Test {
 protected:
  Suite load(std::string_view text) {
    testing::write_text(directory_ / "eval.toml", text);
    return load_suite(directory_ / "eval.toml");
  }
  std::string error(std::string_view text) {
    return testing::error_of([&] { load(text); });
  }
  const TemporaryDirectory directory_;
};

TEST_F(SuiteTest, EveryKey) {
  const Suite suite = load(R"(
[bits_per_byte]
window = 128
texts = [{ name = "a", file = "a.zst" }, { name = "b", file = "/b.txt" }]
[dialogues]
file = "d.jsonl"
max_tokens = 7
by = [{ family = "numbers", note = "digits" }]
[recall]
facts = "f.jsonl"
carrier = [{ file = "a.zst" }]
max_tokens = 9
lengths = [{ tokens = 256, texts = 3 }]
[fill_in_the_middle]
file = "c.txt"
samples = 5
longest = 512
max_tokens = 11
)");
  ASSERT_TRUE(suite.bits_per_byte && suite.dialogues && suite.recall && suite.fill_in_the_middle);
  EXPECT_EQ(suite.bits_per_byte->window, 128);
  EXPECT_EQ(suite.bits_per_byte->texts.at(0).file, directory_ / "a.zst");
  EXPECT_EQ(suite.bits_per_byte->texts.at(1).file, "/b.txt");
  EXPECT_EQ(suite.bits_per_byte->texts.at(1).name, "b");
  EXPECT_EQ(suite.dialogues->max_tokens, 7);
  EXPECT_EQ(suite.dialogues->by.at(0).note, "digits");
  EXPECT_EQ(suite.recall->lengths.at(0).texts, 3);
  EXPECT_EQ(suite.recall->max_tokens, 9);
  EXPECT_EQ(suite.fill_in_the_middle->samples, 5);
  EXPECT_EQ(suite.fill_in_the_middle->longest, 512);
  EXPECT_EQ(suite.fill_in_the_middle->max_tokens, 11);
}

TEST_F(SuiteTest, PartsMayBeMissing) {
  const Suite suite = load("[dialogues]\nfile = \"d.jsonl\"\n");
  EXPECT_TRUE(suite.dialogues);
  EXPECT_FALSE(suite.bits_per_byte || suite.recall || suite.fill_in_the_middle);
  EXPECT_FALSE(load("").dialogues);
}

TEST_F(SuiteTest, FaultsNameFileLineAndKey) {
  EXPECT_NE(error("[dialogues]\n").find("dialogues.file is missing"), std::string::npos) << error("[dialogues]\n");
  EXPECT_NE(error("[bits_per_byte]\nwindow = 1\n").find("eval.toml:2: bits_per_byte.window is 1, expected 2 to"),
            std::string::npos);
  EXPECT_NE(error("[bits_per_byte]\ntexts = []\n").find("texts is empty"), std::string::npos);
  EXPECT_NE(error("[bits_per_byte]\ntexts = [{ name = \"a\" }]\n").find("bits_per_byte.texts[0].file is missing"),
            std::string::npos);
  EXPECT_NE(error("[recall]\nfacts = \"f\"\ncarrier = [{ file = \"c\" }]\nlengths = [{ tokens = 256 }]\n")
                .find("recall.lengths[0].texts is missing"),
            std::string::npos);
  EXPECT_NE(error("[dialogue]\n").find("unknown key dialogue"), std::string::npos);
  EXPECT_NE(error("[dialogues]\nfile = 3\n").find("no text in quotes"), std::string::npos);
  EXPECT_NE(error("[dialogues\n").find("[evaluation]"), std::string::npos);
  EXPECT_NE(error("dialogues = 1\n").find("is no table"), std::string::npos);
  EXPECT_NE(testing::error_of([] { load_suite("/no/such/eval.toml"); }).find("cannot read /no/such/eval.toml"),
            std::string::npos);
}

TEST_F(SuiteTest, MinnowsOwnIsWholeAndSmall) {
  const std::filesystem::path file = std::filesystem::path(FATHOM_SOURCE) / "models" / "minnow" / "eval.toml";
  const Suite suite = load_suite(file);
  ASSERT_TRUE(suite.bits_per_byte && suite.dialogues && suite.recall && suite.fill_in_the_middle);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path() / "eval")) bytes += entry.file_size();
  EXPECT_LT(bytes, 1'500'000U);
}

}  // namespace
}  // namespace fathom
