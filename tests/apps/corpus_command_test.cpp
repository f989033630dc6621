#include <gtest/gtest.h>

#include "fathom/apps/corpus_commands.h"
#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;

TEST(CorpusCommand, ReadsByteCounts) {
  EXPECT_EQ(read_byte_count("1000"), 1000U);
  EXPECT_EQ(read_byte_count("25MB"), 25'000'000U);
  EXPECT_EQ(read_byte_count("25M"), 25'000'000U);
  EXPECT_EQ(read_byte_count("2 kb"), 2000U);
  for (const char* wrong : {"", "many", "5 apples", "-3", "99999999999999999999"})
    EXPECT_NE(testing::error_of([&] { read_byte_count(wrong); }).find("expected a number of bytes"), std::string::npos)
        << wrong;
}

TEST(CorpusCommand, TeachesItself) {
  const Ran ran = run_program({"corpus", "--help"});
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* command : {"tokenizer", "shard", "dialogues", "show"}) {
    EXPECT_NE(ran.out.find(std::string("fathom corpus ") + command), std::string::npos) << command;
    const Ran help = run_program({"corpus", command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.out.find(std::string("fathom corpus ") + command), std::string::npos) << help.out;
  }
  EXPECT_EQ(run_program({"corpus"}).exit_code, 2);
}

}  // namespace
}  // namespace fathom
