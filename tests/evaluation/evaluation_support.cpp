#include "tests/evaluation/evaluation_support.h"

#include <zstd.h>

#include <regex>
#include <sstream>

namespace fathom::testing {
namespace {

const std::filesystem::path kSprat = std::filesystem::path(FATHOM_SOURCE) / "models" / "sprat";

EngineConfig limits(std::int64_t batch_tokens, std::int64_t sequences, const Tokenizer& tokenizer,
                    const PrefixCacheConfig& prefix) {
  return {.max_batch_tokens = batch_tokens,
          .max_sequences = sequences,
          .sampled_vocab = tokenizer.vocab(),
          .prefix = prefix};
}

std::filesystem::path copy_with(const std::filesystem::path& directory, std::int32_t end_of_sentence) {
  std::filesystem::create_symlink(kSprat / "model.safetensors", directory / "model.safetensors");
  const std::string config = read_text(kSprat / "config.json");
  write_text(directory / "config.json", std::regex_replace(config, std::regex(R"("eos_token_id": 1\b)"),
                                                           fmt::format("\"eos_token_id\": {}", end_of_sentence)));
  return directory;
}

}  // namespace

AskedModel::AskedModel(std::int64_t batch_tokens, std::int64_t sequences, std::int32_t end_of_sentence,
                       const PrefixCacheConfig& prefix)
    : checkpoint_(std::make_shared<const Checkpoint>(Checkpoint::open(copy_with(directory_.path(), end_of_sentence)))),
      tokenizer_(Tokenizer::load(kSprat / "tokenizer.json")),
      backend_({.threads = 1}),
      transformer_(checkpoint_, backend_, {.rollback_tokens = prefix.on ? 1 : 0}),
      limits_(limits(batch_tokens, sequences, tokenizer_, prefix)),
      engine_(transformer_, limits_),
      model_{.transformer = transformer_, .engine = engine_, .tokenizer = tokenizer_, .limits = limits_, .threads = 2} {
}

PartRun::PartRun(const AskedModel& asked, Amount amount)
    : log_(directory_ / "answers.jsonl"),
      context_{.model = asked.model(), .amount = amount, .log = log_, .progress = [](double) {}} {}

std::vector<std::string> PartRun::log_lines() {
  log_.finish();
  return lines_of(read_text(directory_ / "answers.jsonl"));
}

std::string packed(std::string_view text) {
  std::string result(ZSTD_compressBound(text.size()), '\0');
  result.resize(ZSTD_compress(result.data(), result.size(), text.data(), text.size(), 3));
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace fathom::testing
