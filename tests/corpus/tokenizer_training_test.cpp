#include "fathom/corpus/tokenizer_training.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

// Held-out documents and others; `word` marks the file.
void write_corpus(const std::filesystem::path& path, const std::string& word, int documents = 1000) {
  std::vector<std::string> texts;
  const std::string six = " " + word + " " + word + " " + word + " " + word + " " + word + " " + word;
  for (int number = 0; number < documents; ++number) texts.push_back(testing::prose(number) + six);
  testing::write_text(path, testing::corpus_text(texts));
}

TEST(TokenizerTraining, LearnsTheWordsOfItsFiles) {
  const TemporaryDirectory directory;
  write_corpus(directory / "a", "zyzzyva");
  TrainingProgress progress;
  double counted = 0.0;
  double merged = 0.0;
  progress.counting = [&](double share) { counted = share; };
  progress.merging = [&](double share) { merged = share; };
  const Tokenizer tokenizer =
      Tokenizer::parse(train_tokenizer({.sources = {{.file = directory / "a"}}, .vocab = 352}, progress), "a");
  EXPECT_EQ(tokenizer.vocab(), 352);
  EXPECT_EQ(tokenizer.encode(" zyzzyva").size(), 1U);
  EXPECT_EQ(counted, 1.0);
  EXPECT_EQ(merged, 1.0);
  const Compression compression = measure_compression(tokenizer, directory / "a");
  EXPECT_GT(compression.tokens, 0U);
  EXPECT_GT(compression.bytes, 3 * compression.tokens);
}

TEST(TokenizerTraining, DoesNotDependOnThreads) {
  const TemporaryDirectory directory;
  write_corpus(directory / "a", "x");
  const auto trained = [&](int threads) {
    return train_tokenizer({.sources = {{.file = directory / "a", .bytes = 30'000}}, .vocab = 352, .threads = threads},
                           {});
  };
  EXPECT_EQ(trained(1), trained(4));
}

// A small file that counts for much outweighs a large one that counts for little.
TEST(TokenizerTraining, FilesCountForTheirBytes) {
  const TemporaryDirectory directory;
  write_corpus(directory / "large", "lllll", 2000);
  write_corpus(directory / "small", "sssss", 20);
  const auto learns = [&](std::uint64_t large, std::uint64_t small, const std::string& word) {
    const Tokenizer tokenizer = Tokenizer::parse(
        train_tokenizer(
            {.sources = {{.file = directory / "large", .bytes = large}, {.file = directory / "small", .bytes = small}},
             .vocab = 360},
            {}),
        "a");
    return tokenizer.encode(" " + word).size() == 1;
  };
  EXPECT_TRUE(learns(0, 0, "lllll"));
  EXPECT_FALSE(learns(0, 0, "sssss"));
  EXPECT_TRUE(learns(5'000, 1'000'000, "sssss"));
  EXPECT_FALSE(learns(5'000, 1'000'000, "lllll"));
}

}  // namespace
}  // namespace fathom
