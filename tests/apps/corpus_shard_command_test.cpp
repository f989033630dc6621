#include <gtest/gtest.h>

#include "fathom/corpus/token_shard.h"
#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;
using testing::TemporaryDirectory;

const std::string kTokenizer = testing::kSprat / "tokenizer.json";

std::string texts() {
  std::string text;
  for (int document = 0; document < 400; ++document)
    text += "Document " + std::to_string(document) + " has a first line,\na second line\nand a third.\n\f\n";
  return text;
}

TEST(CorpusShardCommand, WritesAShard) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.txt", texts());
  const std::string out = directory / "a.shard";
  const Ran ran = run_program({"corpus", "shard", "--tokenizer", kTokenizer, "--out", out, "--hold-out", "train",
                               "--fim", "0.5", "--max-bytes", "10kB", directory / "a.txt"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("for fill-in-the-middle"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("on the other side of the hold-out"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("beyond --max-bytes"), std::string::npos) << ran.out;
  const TokenShard shard(out);
  EXPECT_GT(shard.documents(), 100);
  EXPECT_NE(ran.out.find(std::to_string(shard.tokens()) + " tokens"), std::string::npos);
}

TEST(CorpusShardCommand, LeavesNothingBehindAFault) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.txt", "one\n\f\n\xFF\n");
  const Ran ran =
      run_program({"corpus", "shard", "--tokenizer", kTokenizer, "--out", directory / "a.shard", directory / "a.txt"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("document 1 is no UTF-8"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(directory / "a.shard"));
  EXPECT_FALSE(std::filesystem::exists(directory / "a.shard.partial"));
  EXPECT_EQ(run_program({"corpus", "shard", "--out", "x", "--hold-out", "half", "y"}).exit_code, 2);
}

TEST(CorpusDialoguesCommand, WritesAShard) {
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.jsonl",
                      R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}])");
  const auto learned = [&](const testing::Arguments& more) {
    testing::Arguments arguments{"corpus", "dialogues",           "--tokenizer",        kTokenizer,
                                 "--out",  directory / "a.shard", directory / "a.jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    const TokenShard shard(directory / "a.shard");
    std::vector<std::int32_t> ids(static_cast<std::size_t>(shard.document_tokens(0)));
    std::vector<std::uint8_t> loss(ids.size());
    shard.read(0, 0, ids, loss);
    return std::pair(std::count(loss.begin(), loss.end(), 1), static_cast<std::ptrdiff_t>(ids.size()));
  };
  EXPECT_LT(learned({}).first, learned({}).second);
  EXPECT_EQ(learned({"--all-tokens"}).first, learned({}).second);
}

}  // namespace
}  // namespace fathom
