// Every file of tests/conversations, one test each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "tests/server/conversation_support.h"

namespace fathom::testing {
namespace {

const std::filesystem::path kFolder = FATHOM_SOURCE "/tests/conversations";

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder))
    if (entry.path().extension() == ".txt") all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = std::filesystem::relative(info.param, kFolder).replace_extension().string();
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  return name;
}

class Conversations : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Conversations, GoesAsWritten) { EXPECT_EQ(play_conversation(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Files, Conversations, ::testing::ValuesIn(files()), name_of);

}  // namespace
}  // namespace fathom::testing
