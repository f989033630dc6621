// fathom corpus: from text to what the trainer reads.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <string_view>

#include "fathom/apps/commands.h"
#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

}  // namespace

std::uint64_t read_byte_count(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string unit(end, text.data() + text.size());
  unit.erase(0, std::min(unit.find_first_not_of(' '), unit.size()));
  for (char& letter : unit) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (unit.ends_with('b')) unit.pop_back();
  constexpr std::array<std::string_view, 4> units = {"", "k", "m", "g"};
  const auto known = std::find(units.begin(), units.end(), unit);
  std::uint64_t factor = 1;
  for (auto step = units.begin(); step != known && known != units.end(); ++step) factor *= 1000;
  if (fault != std::errc() || known == units.end() || count > kMostBytes / factor)
    throw InputError("[corpus] found \"{}\", expected a number of bytes such as 500000, 500kB or 25MB", text);
  return count * factor;
}

void add_hold_out_option(CLI::App& command, HoldOut& hold_out) {
  const std::map<std::string, HoldOut> sides = {
      {"none", HoldOut::none}, {"train", HoldOut::train}, {"test", HoldOut::test}};
  command.add_option("--hold-out", hold_out, "train: all but what is held out; test: just that; none")
      ->transform(CLI::Transformer(sides))
      ->option_text("train|test|none");
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
  fathom corpus documents --hold-out test prose.zst | zstd -19 > held-out.txt.zst

Each has a --help of its own; docs/corpus.md says what the files hold.)");
  add_corpus_tokenizer_command(*command);
  add_corpus_shard_command(*command);
  add_corpus_dialogues_command(*command);
  add_corpus_show_command(*command);
  add_corpus_documents_command(*command);
}

}  // namespace fathom
