// fathom corpus show: what a token shard holds.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "fathom/apps/corpus_commands.h"
#include "fathom/base/error.h"
#include "fathom/corpus/token_shard.h"
#include "fathom/tokenizer/tokenizer.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

struct ShowCommand {
  std::string shard;
  std::string tokenizer;
  std::int64_t document = -1;
  bool ids = false;
};

struct Marks {
  std::string_view begin;
  std::string_view end;
};

Marks learned_marks() {
  if (::isatty(STDOUT_FILENO) == 1) return {"\x1b[1;32m", "\x1b[0m"};
  return {"⟦", "⟧"};
}

struct ShardDocument {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> loss;
};

ShardDocument read_document(const TokenShard& shard, std::int64_t document) {
  const auto tokens = static_cast<std::size_t>(shard.document_tokens(document));
  ShardDocument read{.ids = std::vector<std::int32_t>(tokens), .loss = std::vector<std::uint8_t>(tokens)};
  shard.read(document, 0, read.ids, read.loss);
  return read;
}

void print_statistics(const TokenShard& shard, const std::string& path) {
  std::vector<std::int64_t> lengths;
  std::int64_t learned = 0;
  for (std::int64_t document = 0; document < shard.documents(); ++document) {
    const ShardDocument read = read_document(shard, document);
    lengths.push_back(static_cast<std::int64_t>(read.ids.size()));
    learned += std::count(read.loss.begin(), read.loss.end(), 1);
  }
  const auto tokens = static_cast<double>(std::max<std::int64_t>(shard.tokens(), 1));
  fmt::print("{}\n", path);
  fmt::print("  documents   {}\n", shard.documents());
  fmt::print("  tokens      {}\n", shard.tokens());
  fmt::print("  learned     {} ({:.1f} %)\n", learned, 100.0 * static_cast<double>(learned) / tokens);
  fmt::print("  checksum    {:016x}\n", shard.checksum());
  if (lengths.empty()) return;
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](double share) {
    return lengths[static_cast<std::size_t>(share * static_cast<double>(lengths.size() - 1))];
  };
  fmt::print("  tokens of a document: mean {:.0f}, shortest {}, 10 % {}, median {}, 90 % {}, longest {}\n",
             tokens / static_cast<double>(lengths.size()), lengths.front(), at(0.1), at(0.5), at(0.9), lengths.back());
}

void print_ids(const ShardDocument& document, const Tokenizer* tokenizer) {
  for (std::size_t token = 0; token < document.ids.size(); ++token) {
    const std::int32_t id = document.ids[token];
    fmt::print("{:>7} {} {:>6}", token, document.loss[token] != 0 ? '+' : ' ', id);
    if (tokenizer != nullptr) fmt::print("  {:?}", utf8_lossy(tokenizer->piece(id)));
    fmt::print("\n");
  }
}

// The exact bytes, with the stretches to be learned marked.
void print_text(const ShardDocument& document, const Tokenizer& tokenizer) {
  const Marks marks = learned_marks();
  std::string text;
  bool inside = false;
  for (std::size_t token = 0; token < document.ids.size(); ++token) {
    const bool learned = document.loss[token] != 0;
    if (learned != inside) text += learned ? marks.begin : marks.end;
    inside = learned;
    text += tokenizer.piece(document.ids[token]);
  }
  if (inside) text += marks.end;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

void run_show(const ShowCommand& command) {
  const TokenShard shard(command.shard);
  if (command.document < 0) return print_statistics(shard, command.shard);
  if (command.document >= shard.documents())
    throw InputError("[corpus] --document is {}, {} has {} documents", command.document, command.shard,
                     shard.documents());
  const ShardDocument document = read_document(shard, command.document);
  std::unique_ptr<Tokenizer> tokenizer;
  if (!command.tokenizer.empty()) tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(command.tokenizer));
  if (command.ids || !tokenizer) return print_ids(document, tokenizer.get());
  print_text(document, *tokenizer);
}

}  // namespace

void add_corpus_show_command(CLI::App& corpus) {
  CLI::App* command = corpus.add_subcommand("show", "what a token shard holds");
  command->footer(
      R"(Reads the whole shard and its checksum. A document is shown as its text, what is to be learned in green at a terminal
and between ⟦ and ⟧ elsewhere; with --ids, or without --tokenizer, as ids, a line each, + for those to be learned.

  fathom corpus show prose.shard
  fathom corpus show dialogues.shard --tokenizer tokenizer.json --document 17
  fathom corpus show dialogues.shard --tokenizer tokenizer.json --document 17 --ids)");
  const auto options = std::make_shared<ShowCommand>();
  command->add_option("shard", options->shard, "a token shard")->required();
  command->add_option("--document", options->document, "number of a document, from 0")->check(CLI::NonNegativeNumber);
  command->add_option("--tokenizer", options->tokenizer, "tokenizer.json the shard was made with");
  command->add_flag("--ids", options->ids, "show ids and pieces");
  command->callback([options] { run_show(*options); });
}

}  // namespace fathom
