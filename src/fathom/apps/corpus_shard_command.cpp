// fathom corpus shard, fathom corpus dialogues: text and dialogues to token shards.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"
#include "fathom/base/progress_bar.h"
#include "fathom/corpus/dialogue_shard.h"
#include "fathom/corpus/text_shard.h"
#include "fathom/corpus/token_shard.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {
namespace {

struct ShardCommand {
  TextShardOptions text;
  std::string tokenizer;
  std::string out;
  std::string max_bytes;
  std::string longest;
  std::string fim_longest;
};

struct DialoguesCommand {
  DialogueShardOptions dialogues;
  std::string tokenizer;
  std::string out;
};

// Without a file, DeepSeek-V4's own.
Tokenizer load_tokenizer(const std::string& path) {
  return path.empty() ? Tokenizer::deepseek_v4() : Tokenizer::load(path);
}

void print_left_out(std::int64_t documents, std::string_view why) {
  if (documents > 0) fmt::print("  left out: {} documents {}\n", documents, why);
}

void run_shard(ShardCommand command) {
  if (!command.max_bytes.empty()) command.text.max_bytes = read_byte_count(command.max_bytes);
  if (!command.longest.empty()) command.text.longest = read_byte_count(command.longest);
  if (!command.fim_longest.empty()) command.text.fim_longest = read_byte_count(command.fim_longest);
  const Tokenizer tokenizer = load_tokenizer(command.tokenizer);
  TokenShardWriter writer(command.out, tokenizer.vocab());
  TextShardReport report;
  {
    ProgressBar bar("tokenizing");
    report = write_text_shard(command.text, tokenizer, writer, [&](double share) { bar.show(share); });
    writer.finish();
  }
  fmt::print("{}: {} documents, {} tokens, {} bytes of text, {:.3f} bytes/token\n", command.out, report.documents,
             writer.tokens(), report.bytes,
             static_cast<double>(report.bytes) / static_cast<double>(std::max<std::int64_t>(writer.tokens(), 1)));
  if (report.rearranged > 0) fmt::print("  for fill-in-the-middle: {} documents\n", report.rearranged);
  print_left_out(report.near_empty, "of nearly nothing");
  print_left_out(report.elsewhere, "on the other side of the hold-out");
  print_left_out(report.thinned, "beyond --max-bytes");
  print_left_out(report.with_markers, "that spell a special token");
}

void run_dialogues(const DialoguesCommand& command) {
  const Tokenizer tokenizer = load_tokenizer(command.tokenizer);
  TokenShardWriter writer(command.out, tokenizer.vocab());
  DialogueShardReport report;
  {
    ProgressBar bar("tokenizing");
    report = write_dialogue_shard(command.dialogues, tokenizer, writer, [&](double share) { bar.show(share); });
    writer.finish();
  }
  fmt::print("{}: {} dialogues, {} tokens, {} of them to be learned\n", command.out, report.dialogues, report.tokens,
             report.learned);
}

}  // namespace

void add_corpus_shard_command(CLI::App& corpus) {
  CLI::App* command = corpus.add_subcommand("shard", "text files to a token shard");
  command->footer(
      R"(Every document is framed by <｜begin▁of▁sentence｜> and <｜end▁of▁sentence｜>. Left out are those of nearly nothing and
those that spell a special token. With --fim 0.5 half of them, chosen by their text and the seed, are rearranged:
<｜fim▁begin｜>prefix<｜fim▁hole｜>suffix<｜fim▁end｜>middle, cut between lines or between characters.

--hold-out train leaves out one document in a hundred, chosen by its text alone; --hold-out test takes just those.
--max-bytes keeps so much of each file, spread evenly over it.

  fathom corpus shard --tokenizer tokenizer.json --out prose.shard --hold-out train --max-bytes 20MB prose.zst
  fathom corpus shard --tokenizer tokenizer.json --out code.shard --hold-out train --fim 0.5 code.zst
  fathom corpus shard --tokenizer tokenizer.json --out code-test.shard --hold-out test code.zst)");
  const auto options = std::make_shared<ShardCommand>();
  command->add_option("files", options->text.files, "text files, plain or packed by zstd")->required();
  command->add_option("--tokenizer", options->tokenizer, "tokenizer.json (DeepSeek-V4's own)");
  command->add_option("--out", options->out, "shard to write")->required();
  command->add_option("--fim", options->text.fim_rate, "share of documents for fill-in-the-middle (0)");
  add_hold_out_option(*command, options->text.hold_out);
  command->add_option("--max-bytes", options->max_bytes, "of each file, thinned evenly (all)");
  command->add_option("--longest", options->longest, "bytes of a document, longer ones are cut at paragraphs (262144)");
  command->add_option("--fim-longest", options->fim_longest, "bytes of a fill-in-the-middle document (8192)");
  command->add_option("--seed", options->text.seed, "of fill-in-the-middle (0)");
  command->add_option("--threads", options->text.threads, "threads (one per core)");
  command->callback([options] { run_shard(*options); });
}

void add_corpus_dialogues_command(CLI::App& corpus) {
  CLI::App* command = corpus.add_subcommand("dialogues", "dialogues in JSON lines to a token shard");
  command->footer(R"(A line is a request as `fathom prompt` reads it, with the assistant's messages in it:

  {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "thinking_mode": "chat"}

It becomes the exact text that DeepSeek-V4's encoder writes. Only what the assistant wrote is to be learned: reasoning,
</think>, content, tool calls, end of sentence. --all-tokens has everything learned, as in pre-training.

  fathom corpus dialogues --tokenizer tokenizer.json --out dialogues.shard chat.jsonl tools.jsonl.zst
  fathom corpus show dialogues.shard --tokenizer tokenizer.json --document 0)");
  const auto options = std::make_shared<DialoguesCommand>();
  command->add_option("files", options->dialogues.files, "JSON lines, plain or packed by zstd")->required();
  command->add_option("--tokenizer", options->tokenizer, "tokenizer.json (DeepSeek-V4's own)");
  command->add_option("--out", options->out, "shard to write")->required();
  command->add_flag("--all-tokens", options->dialogues.all_tokens, "learn every token");
  command->add_option("--threads", options->dialogues.threads, "threads (one per core)");
  command->callback([options] { run_dialogues(*options); });
}

}  // namespace fathom
