// fathom corpus tokenizer: learn a small vocabulary.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/base/progress_bar.h"
#include "fathom/corpus/tokenizer_training.h"

namespace fathom {
namespace {

constexpr std::int64_t kVocabStep = 64;  // matrices of the head are tiled

struct TokenizerCommand {
  std::vector<std::string> files;
  std::string out;
  std::string bytes;
  std::int64_t vocab = 8192;
  int threads = 0;
};

// "FILE" or "FILE:BYTES". A name with a colon is taken for one if nothing that is a number follows.
TokenizerSource source_of(const std::string& argument, std::uint64_t bytes) {
  const std::size_t colon = argument.rfind(':');
  const bool has_bytes = colon != std::string::npos && colon + 1 < argument.size() &&
                         std::isdigit(static_cast<unsigned char>(argument[colon + 1])) != 0;
  if (!has_bytes) return {.file = argument, .bytes = bytes};
  return {.file = argument.substr(0, colon), .bytes = read_byte_count(argument.substr(colon + 1))};
}

std::string train(const TokenizerTrainingOptions& options) {
  std::optional<ProgressBar> counting(std::in_place, "counting pieces");
  std::optional<ProgressBar> merging;
  return train_tokenizer(options, {.counting = [&](double share) { counting->show(share); },
                                   .merging =
                                       [&](double share) {
                                         counting.reset();
                                         if (!merging) merging.emplace("merging pairs");
                                         merging->show(share);
                                       }});
}

void print_compression(const Tokenizer& tokenizer, const std::vector<TokenizerSource>& sources) {
  fmt::print("{:>12}  {:>10}  {:>11}  held-out documents of\n", "bytes", "tokens", "bytes/token");
  for (const TokenizerSource& source : sources) {
    const Compression found = measure_compression(tokenizer, source.file);
    const std::string ratio =
        found.tokens == 0 ? "-"
                          : fmt::format("{:.3f}", static_cast<double>(found.bytes) / static_cast<double>(found.tokens));
    fmt::print("{:>12}  {:>10}  {:>11}  {}\n", found.bytes, found.tokens, ratio, source.file.string());
  }
}

void run_tokenizer(const TokenizerCommand& command) {
  if (command.vocab % kVocabStep != 0)
    throw InputError("[corpus] --vocab is {}, expected a multiple of {}", command.vocab, kVocabStep);
  TokenizerTrainingOptions options{.sources = {}, .vocab = command.vocab, .threads = command.threads};
  const std::uint64_t bytes = command.bytes.empty() ? 0 : read_byte_count(command.bytes);
  for (const std::string& file : command.files) options.sources.push_back(source_of(file, bytes));
  const std::string json = train(options);
  OutputFile out(command.out);
  out.write(json);
  out.close();
  out.publish();
  const Tokenizer tokenizer = Tokenizer::load(command.out);
  fmt::print("{}: {} tokens\n", command.out, tokenizer.vocab());
  print_compression(tokenizer, options.sources);
}

}  // namespace

void add_corpus_tokenizer_command(CLI::App& corpus) {
  CLI::App* command = corpus.add_subcommand("tokenizer", "learn a byte-level vocabulary with DeepSeek's pre-tokenizer");
  command->footer(
      R"(FILE:BYTES says for how much a file is to count: a larger one is thinned evenly, a smaller one counts several
times. --bytes says it for all files without. One document in a hundred is held out, and the report is of those.

The special tokens of DeepSeek-V4 come first (0 begin, 1 end of sentence, ...), then the 256 bytes, then what is learned;
every id is used. Digits stay single tokens. Equal files give an equal tokenizer.

  fathom corpus tokenizer --out tokenizer.json --vocab 8192 books.zst help.txt reference.zst:10MB code.zst:25MB)");
  const auto options = std::make_shared<TokenizerCommand>();
  command->add_option("files", options->files, "FILE or FILE:BYTES")->required();
  command->add_option("--out", options->out, "tokenizer.json to write")->required();
  command->add_option("--vocab", options->vocab, "tokens in all, a multiple of 64 (8192)");
  command->add_option("--bytes", options->bytes, "bytes that each file counts for (all it has)");
  command->add_option("--threads", options->threads, "threads (one per core)");
  command->callback([options] { run_tokenizer(*options); });
}

}  // namespace fathom
