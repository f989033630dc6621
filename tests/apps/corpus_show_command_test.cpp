#include <gtest/gtest.h>

#include "fathom/corpus/token_shard.h"
#include "fathom/tokenizer/tokenizer.h"
#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;
using testing::TemporaryDirectory;

const std::string kTokenizer = testing::kSprat / "tokenizer.json";

// "<｜User｜>a<｜Assistant｜>b" and "c", of which "b" and "c" are to be learned.
std::string small_shard(const TemporaryDirectory& directory) {
  const Tokenizer tokenizer = Tokenizer::load(kTokenizer);
  TokenShardWriter writer(directory / "a.shard", tokenizer.vocab());
  writer.add(tokenizer.encode("<｜User｜>a<｜Assistant｜>b"), std::vector<std::uint8_t>{0, 0, 0, 1});
  writer.add(tokenizer.encode("c"));
  writer.finish();
  return directory / "a.shard";
}

TEST(CorpusShowCommand, CountsAShard) {
  const TemporaryDirectory directory;
  const Ran ran = run_program({"corpus", "show", small_shard(directory)});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("documents   2"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("tokens      5"), std::string::npos);
  EXPECT_NE(ran.out.find("learned     2 (40.0 %)"), std::string::npos);
  EXPECT_NE(ran.out.find("shortest 1"), std::string::npos);
  EXPECT_NE(ran.out.find("longest 4"), std::string::npos);
}

TEST(CorpusShowCommand, ShowsADocument) {
  const TemporaryDirectory directory;
  const std::string shard = small_shard(directory);
  EXPECT_EQ(run_program({"corpus", "show", shard, "--document", "0", "--tokenizer", kTokenizer}).out,
            "<｜User｜>a<｜Assistant｜>⟦b⟧\n");
  const std::string ids = run_program({"corpus", "show", shard, "--document", "0"}).out;
  EXPECT_EQ(std::count(ids.begin(), ids.end(), '\n'), 4);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), '+'), 1);
  const std::string pieces =
      run_program({"corpus", "show", shard, "--document", "0", "--tokenizer", kTokenizer, "--ids"}).out;
  EXPECT_NE(pieces.find("\"<｜Assistant｜>\""), std::string::npos) << pieces;
}

TEST(CorpusShowCommand, SaysWhatIsNotThere) {
  const TemporaryDirectory directory;
  const Ran ran = run_program({"corpus", "show", small_shard(directory), "--document", "2"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("--document is 2"), std::string::npos) << ran.err;
  testing::write_text(directory / "b.shard", "no shard");
  EXPECT_NE(run_program({"corpus", "show", directory / "b.shard"}).err.find("is no token shard"), std::string::npos);
  // Of another vocabulary: an id that the tokenizer has not.
  TokenShardWriter writer(directory / "c.shard", 60'000);
  writer.add(std::vector<std::int32_t>{50'000});
  writer.finish();
  const Ran other =
      run_program({"corpus", "show", directory / "c.shard", "--document", "0", "--tokenizer", kTokenizer});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.err.find("50000"), std::string::npos) << other.err;
}

}  // namespace
}  // namespace fathom
