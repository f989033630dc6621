// Text files to documents of a token shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "fathom/corpus/document_selection.h"
#include "fathom/corpus/token_shard.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

struct TextShardOptions {
  std::vector<std::filesystem::path> files{};
  HoldOut hold_out = HoldOut::none;
  std::uint64_t max_bytes = 0;         // of each file, spread evenly over it; 0: all
  std::size_t longest = 256 * 1024;    // bytes of a document; a longer one is cut at ends of paragraphs
  double fim_rate = 0.0;               // share of documents rearranged for fill-in-the-middle
  std::size_t fim_longest = 8 * 1024;  // bytes of such a document: both ends are to fit into a row
  std::uint64_t seed = 0;
  int threads = 0;  // 0: one per core. The shard does not depend on it
};

struct TextShardReport {
  std::int64_t documents = 0;  // written
  std::int64_t rearranged = 0;
  std::uint64_t bytes = 0;
  std::int64_t near_empty = 0;    // left out
  std::int64_t elsewhere = 0;     // belong to the other side of the hold-out
  std::int64_t thinned = 0;       // left out for max_bytes
  std::int64_t with_markers = 0;  // left out: they spell tokens that are no text, such as <think>
};

// Each document is <｜begin▁of▁sentence｜>, its text, <｜end▁of▁sentence｜>, every token to be learned. `progress` is
// told the share done of all files.
TextShardReport write_text_shard(const TextShardOptions& options, const Tokenizer& tokenizer, TokenShardWriter& writer,
                                 const std::function<void(double share)>& progress);

// Bytes of the documents that the options would take but for max_bytes.
std::uint64_t selected_bytes(const std::filesystem::path& file, HoldOut hold_out);

}  // namespace fathom
