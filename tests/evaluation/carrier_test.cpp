#include "fathom/evaluation/carrier.h"

#include <gtest/gtest.h>

#include "tests/evaluation/evaluation_support.h"

namespace fathom::testing {
namespace {

std::string story() {
  std::string text;
  for (int sentence = 0; sentence < 200; ++sentence) {
    text +=
        sentence % 7 == 6 ? "And so it went on.\n\n" : "The ship number " + std::to_string(sentence) + " went to sea. ";
    if (sentence == 90) text += "\n\f\nAnother document begins here. ";
  }
  return text;
}

class CarrierTest : public ::testing::Test {
 protected:
  CarrierTest() {
    write_text(directory_ / "story", packed(story()));
    write_text(directory_ / "more", "It has a short end. This is it.");
  }
  const TemporaryDirectory directory_;
  const Tokenizer tokenizer_ = Tokenizer::load(std::filesystem::path(FATHOM_SOURCE) / "models/sprat/tokenizer.json");
};

TEST(SentenceEnds, BehindFullStopsAndEmptyLines) {
  EXPECT_EQ(sentence_ends("It is. So it is.\n\nAnd 3.5 of e.g. this."), (std::vector<std::size_t>{7, 18}));
  EXPECT_TRUE(sentence_ends("").empty());
  EXPECT_TRUE(sentence_ends(".").empty());
  EXPECT_TRUE(sentence_ends("no end. none at all\n\n").empty());
  EXPECT_EQ(sentence_ends("a\n\n\nb"), (std::vector<std::size_t>{4}));
}

TEST_F(CarrierTest, WholeSentencesOfAboutTheWantedLength) {
  const std::vector<std::filesystem::path> files = {directory_ / "story", directory_ / "more"};
  const Carrier carrier(files, tokenizer_);
  for (const std::int64_t tokens : {50, 300, 1000})
    for (std::uint64_t place = 0; place < 20; ++place) {
      const std::string prose = carrier.prose(place * 12345678901, tokens);
      EXPECT_LE(std::ssize(tokenizer_.encode(prose)), tokens + 4) << "pieces are encoded apart";
      EXPECT_GE(std::ssize(tokenizer_.encode(prose)), tokens - 60);
      EXPECT_EQ(prose.back(), '.');
      EXPECT_TRUE(prose.front() >= 'A' && prose.front() <= 'Z') << prose.substr(0, 20);
      EXPECT_EQ(prose, carrier.prose(place * 12345678901, tokens));
    }
}

TEST_F(CarrierTest, BeginsAgainAtItsEnd) {
  const std::vector<std::filesystem::path> files = {directory_ / "more"};
  const Carrier carrier(files, tokenizer_);
  const std::string prose = carrier.prose(1, 200);
  EXPECT_EQ(prose.substr(0, 34), "This is it.\n\nIt has a short end. T") << prose;
  EXPECT_GE(std::ssize(tokenizer_.encode(prose)), 180);
}

TEST_F(CarrierTest, AtLeastOneSentence) {
  const std::vector<std::filesystem::path> files = {directory_ / "story"};
  EXPECT_FALSE(Carrier(files, tokenizer_).prose(3, 1).empty());
}

TEST_F(CarrierTest, FilesWithoutSentencesAreRefused) {
  write_text(directory_ / "none", "x");
  const std::vector<std::filesystem::path> files = {directory_ / "none"};
  EXPECT_NE(error_of([&] { Carrier(files, tokenizer_); }).find("no sentence in 3 bytes"), std::string::npos);
}

}  // namespace
}  // namespace fathom::testing
