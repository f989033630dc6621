#include <gtest/gtest.h>

#include "tests/apps/program_support.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

using testing::Ran;
using testing::run_program;

TEST(CorpusDocumentsCommand, WritesTheHeldOutDocuments) {
  const testing::TemporaryDirectory directory;
  std::string text;
  for (int number = 0; number < 1000; ++number)
    text += "A document of some length with the number " + std::to_string(number) + " in it.\n\f\n";
  testing::write_text(directory / "a.txt", text);
  const Ran ran = run_program({"corpus", "documents", "--hold-out", "test", directory / "a.txt"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("A document of some length"), std::string::npos);
  EXPECT_LT(ran.out.size(), text.size() / 20);
  EXPECT_NE(ran.err.find("documents"), std::string::npos) << ran.err;
  testing::write_text(directory / "b.txt", ran.out);
  EXPECT_EQ(run_program({"corpus", "documents", "--hold-out", "test", directory / "b.txt"}).out, ran.out)
      << "all of it is held out";
  EXPECT_EQ(run_program({"corpus", "documents", "--hold-out", "train", directory / "b.txt"}).out, "");
}

TEST(CorpusDocumentsCommand, FaultsAreNamed) {
  EXPECT_EQ(run_program({"corpus", "documents"}).exit_code, 2);
  EXPECT_EQ(run_program({"corpus", "documents", "--hold-out", "half", "x"}).exit_code, 2);
  const Ran ran = run_program({"corpus", "documents", "/no/such/file"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.err.find("/no/such/file"), std::string::npos);
  EXPECT_NE(run_program({"corpus", "documents", "--max-bytes", "lots", "/no/such/file"}).err.find("\"lots\""),
            std::string::npos);
}

}  // namespace
}  // namespace fathom
