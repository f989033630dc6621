// Files of dialogues, one JSON request a line (chat/message_json.h), to documents of a token shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "fathom/corpus/token_shard.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

struct DialogueShardOptions {
  std::vector<std::filesystem::path> files{};
  bool all_tokens = false;  // every token is learned, as in pre-training
  int threads = 0;          // 0: one per core. The shard does not depend on it
};

struct DialogueShardReport {
  std::int64_t dialogues = 0;
  std::int64_t tokens = 0;
  std::int64_t learned = 0;
};

// InputError for the first line that is no dialogue, by file and line number. Empty lines are passed over.
DialogueShardReport write_dialogue_shard(const DialogueShardOptions& options, const Tokenizer& tokenizer,
                                         TokenShardWriter& writer, const std::function<void(double share)>& progress);

}  // namespace fathom
