#include "fathom/corpus/dialogue_shard.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "fathom/base/error.h"
#include "fathom/base/thread_pool.h"
#include "fathom/chat/message_json.h"
#include "fathom/corpus/dialogue_tokens.h"
#include "fathom/corpus/text_documents.h"

namespace fathom {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

struct Line {
  std::string json;
  std::string place;  // "FILE:NUMBER"
  DialogueTokens tokens;
};

// What is wrong with a message is said without its line.
ChatRequest read_dialogue(const Line& line) {
  try {
    return read_chat_request(line.json, "request");
  } catch (const InputError& error) {
    throw InputError("[dialogues] {}: {}", line.place, error.what());
  }
}

class DialogueShardBuilder {
 public:
  DialogueShardBuilder(const DialogueShardOptions& options, const Tokenizer& tokenizer, TokenShardWriter& writer)
      : options_(options), tokenizer_(tokenizer), writer_(writer), pool_(options.threads) {}

  void add_file(const std::filesystem::path& path, const std::function<void(double)>& progress) {
    TextLines lines(path);
    std::int64_t number = 0;
    for (std::string line; lines.next(line);) {
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      batch_bytes_ += line.size();
      batch_.push_back({.json = line, .place = fmt::format("{}:{}", path.string(), number), .tokens = {}});
      if (batch_bytes_ >= kBatchBytes) write_batch();
      progress(lines.share());
    }
    write_batch();
  }

  const DialogueShardReport& report() const { return report_; }

 private:
  void encode(Line& line) const {
    line.tokens = dialogue_tokens(read_dialogue(line), tokenizer_, line.place);
    if (options_.all_tokens) std::fill(line.tokens.loss.begin(), line.tokens.loss.end(), std::uint8_t{1});
  }

  // A thread stops at its first bad line, and the pool rethrows the fault of the lowest stretch: the first bad line.
  void write_batch() {
    pool_.parallel_for(static_cast<std::int64_t>(batch_.size()), 1,
                       [&](std::int64_t first, std::int64_t last, std::int64_t) {
                         for (std::int64_t line = first; line < last; ++line)
                           encode(batch_[static_cast<std::size_t>(line)]);
                       });
    for (const Line& line : batch_) {
      writer_.add(line.tokens.ids, line.tokens.loss);
      ++report_.dialogues;
      report_.tokens += static_cast<std::int64_t>(line.tokens.ids.size());
      report_.learned += std::accumulate(line.tokens.loss.begin(), line.tokens.loss.end(), std::int64_t{0});
    }
    batch_.clear();
    batch_bytes_ = 0;
  }

  const DialogueShardOptions& options_;
  const Tokenizer& tokenizer_;
  TokenShardWriter& writer_;
  ThreadPool pool_;
  std::vector<Line> batch_;
  std::size_t batch_bytes_ = 0;
  DialogueShardReport report_;
};

}  // namespace

DialogueShardReport write_dialogue_shard(const DialogueShardOptions& options, const Tokenizer& tokenizer,
                                         TokenShardWriter& writer, const std::function<void(double share)>& progress) {
  DialogueShardBuilder builder(options, tokenizer, writer);
  const auto files = static_cast<double>(options.files.size());
  for (std::size_t file = 0; file < options.files.size(); ++file)
    builder.add_file(options.files[file], [&](double share) { progress((static_cast<double>(file) + share) / files); });
  return builder.report();
}

}  // namespace fathom
