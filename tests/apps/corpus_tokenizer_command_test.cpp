#include <gtest/gtest.h>

#include "fathom/tokenizer/tokenizer.h"
#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;
using testing::TemporaryDirectory;

// Words by the hundred, each document unlike the others.
std::string words() {
  std::string text;
  for (int document = 0; document < 500; ++document) {
    for (int word = 0; word < 30; ++word)
      text += std::string(1, static_cast<char>('a' + (document * 7 + word) % 26)) + "en" +
              std::string(1, static_cast<char>('a' + word % 5)) + " ";
    text += "\n\f\n";
  }
  return text;
}

TEST(CorpusTokenizerCommand, WritesATokenizerAndSaysHowItDoes) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.txt", words());
  const std::string out = directory / "tokenizer.json";
  const Ran ran = run_program({"corpus", "tokenizer", "--out", out, "--vocab", "384", directory / "a.txt"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_NE(ran.out.find("384 tokens"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("bytes/token"), std::string::npos);
  const Tokenizer tokenizer = Tokenizer::load(out);
  EXPECT_EQ(tokenizer.vocab(), 384);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(words())), words());
}

TEST(CorpusTokenizerCommand, RefusesBadArguments) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.txt", words());
  const std::string file = directory / "a.txt";
  const std::string out = directory / "tokenizer.json";
  const auto fault = [&](const testing::Arguments& more) {
    testing::Arguments arguments{"corpus", "tokenizer", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_FALSE(std::filesystem::exists(out));
    return ran.err;
  };
  EXPECT_NE(fault({file, "--vocab", "1000"}).find("--vocab is 1000, expected a multiple of 64"), std::string::npos);
  EXPECT_NE(fault({file + ":5 apples"}).find("found \"5 apples\""), std::string::npos);
  EXPECT_NE(fault({file, "--vocab", "65536"}).find("expected 65536: more text"), std::string::npos);
  EXPECT_NE(fault({"/no/such"}).find("/no/such"), std::string::npos);
}

}  // namespace
}  // namespace fathom
