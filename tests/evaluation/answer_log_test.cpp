#include "fathom/evaluation/answer_log.h"

#include <gtest/gtest.h>

#include "fathom/chat/json_text.h"
#include "tests/base/file_support.h"

namespace fathom {
namespace {

TEST(AnswerLog, ALineAnAnswer) {
  const testing::TemporaryDirectory directory;
  AnswerLog log(directory / "a.jsonl");
  log.add({{"prompt", "say \"hi\"\n"}, {"answer", "hé"}}, true);
  log.add({}, false);
  EXPECT_FALSE(std::filesystem::exists(directory / "a.jsonl")) << "not whole yet";
  log.finish();
  const std::string text = testing::read_text(directory / "a.jsonl");
  EXPECT_EQ(text, "{\"prompt\": \"say \\\"hi\\\"\\n\", \"answer\": \"hé\", \"right\": true}\n{\"right\": false}\n");
  EXPECT_TRUE(is_json_object(text.substr(0, text.find('\n'))));
}

TEST(AnswerLog, WithoutAFileNothingIsKept) {
  AnswerLog log;
  log.add({{"answer", "x"}}, true);
  log.finish();
}

TEST(AnswerLog, AFolderThatIsNotThereIsNamed) {
  EXPECT_NE(testing::error_of([] { AnswerLog log("/no/such/folder/a.jsonl"); }).find("/no/such/folder"),
            std::string::npos);
}

}  // namespace
}  // namespace fathom
