// fathom corpus: from text to what the trainer reads.
#include <CLI/CLI.hpp>

#include "fathom/apps/commands.h"
#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"

namespace fathom {

std::uint64_t read_byte_count(const std::string& text) {
  constexpr bool k_is_1000 = true;
  std::string bytes = text;
  const CLI::AsSizeValue as_size(k_is_1000);
  std::string fault;
  try {
    fault = as_size(bytes);
  } catch (const CLI::Error& error) {
    fault = error.what();
  }
  if (!fault.empty() || text.empty())
    throw InputError("[corpus] found \"{}\", expected a number of bytes such as 500000, 500kB or 25MB", text);
  return std::stoull(bytes);
}

void add_corpus_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("corpus", "text and dialogues to a tokenizer and token shards");
  command->require_subcommand(1);
  command->footer(
      R"(Text files are UTF-8, plain or packed by zstd; a line with one form feed parts documents. In this order:

  fathom corpus tokenizer --out tokenizer.json --vocab 8192 prose.zst code.zst:25MB
  fathom corpus shard --tokenizer tokenizer.json --out prose.shard --hold-out train prose.zst
  fathom corpus shard --tokenizer tokenizer.json --out code.shard --hold-out train --fim 0.5 code.zst
  fathom corpus dialogues --tokenizer tokenizer.json --out dialogues.shard dialogues.jsonl
  fathom corpus show code.shard --tokenizer tokenizer.json --document 3

Each has a --help of its own; docs/corpus.md says what the files hold.)");
  add_corpus_tokenizer_command(*command);
  add_corpus_shard_command(*command);
  add_corpus_dialogues_command(*command);
  add_corpus_show_command(*command);
}

}  // namespace fathom
