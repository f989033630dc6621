#include "fathom/corpus/dialogue_shard.h"

#include <gtest/gtest.h>

#include "tests/base/file_support.h"
#include "tests/corpus/corpus_support.h"

namespace fathom {
namespace {

using testing::TemporaryDirectory;

struct Built {
  DialogueShardReport report;
  std::string bytes;
};

Built build(std::string_view lines, bool all_tokens = false, int threads = 0) {
  static const Tokenizer tokenizer = Tokenizer::load(FATHOM_SOURCE "/models/sprat/tokenizer.json");
  const TemporaryDirectory directory;
  testing::write_text(directory / "a.jsonl", lines);
  TokenShardWriter writer(directory / "a.shard", tokenizer.vocab());
  Built built;
  built.report = write_dialogue_shard({.files = {directory / "a.jsonl"}, .all_tokens = all_tokens, .threads = threads},
                                      tokenizer, writer, [](double) {});
  writer.finish();
  built.bytes = testing::read_text(directory / "a.shard");
  return built;
}

const std::string kLine =
    R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x"}], "thinking_mode": "chat"})";

TEST(DialogueShard, HoldsADocumentALine) {
  const Built built = build(kLine + "\n\n" + kLine + "\n" + kLine);
  EXPECT_EQ(built.report.dialogues, 3);
  EXPECT_EQ(built.report.learned, 3 * 2);
  EXPECT_GT(built.report.tokens, 3 * 6);
  EXPECT_EQ(build(kLine, true).report.learned, build(kLine, true).report.tokens);
  EXPECT_EQ(build(testing::zstd_packed(kLine)).bytes, build(kLine).bytes);
}

TEST(DialogueShard, DoesNotDependOnThreads) {
  std::string lines;
  for (int number = 0; number < 500; ++number)
    lines += R"([{"role": "user", "content": ")" + std::to_string(number) +
             R"("}, {"role": "assistant", "content": "yes"}])" + "\n";
  EXPECT_EQ(build(lines, false, 1).bytes, build(lines, false, 4).bytes);
}

TEST(DialogueShard, NamesTheFirstBadLine) {
  const auto fault = [](const std::string& line) {
    return testing::error_of([&] { build(kLine + "\n\n" + line + "\n" + kLine + "\nbad"); });
  };
  EXPECT_NE(fault("{").find("a.jsonl:3: "), std::string::npos) << fault("{");
  EXPECT_NE(fault(R"([{"role": "king"}])").find("a.jsonl:3: [chat] messages[0].role: found \"king\""),
            std::string::npos);
  EXPECT_NE(fault("[]").find("a.jsonl:3: 0 assistant messages"), std::string::npos);
}

}  // namespace
}  // namespace fathom
