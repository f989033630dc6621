// Every file of tests/conversations, one test each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

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

TEST(ConversationPlayer, AScriptThatLeavesItsConstraintFails) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "fathom_leaves_its_constraint.txt";
  std::ofstream(file) << "[script]\nsay \"Sure: {}\"\n\n[request]\nPOST /chat/completions\n\n"
                         R"({"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "As JSON."}],)"
                         R"( "thinking": {"type": "disabled"}, "response_format": {"type": "json_object"}})"
                         "\n\n[answer]\n200\n";
  const std::string fault = play_conversation(file);
  std::filesystem::remove(file);
  EXPECT_NE(fault.find("the constraint does not permit \"S"), std::string::npos) << fault;
}

INSTANTIATE_TEST_SUITE_P(Files, Conversations, ::testing::ValuesIn(files()), name_of);

}  // namespace
}  // namespace fathom::testing
