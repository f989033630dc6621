// Files of text to a tokenizer.json, and what it makes of text that it was not learned from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fathom/tokenizer/tokenizer.h"

namespace fathom {

struct TokenizerSource {
  std::filesystem::path file;
  // Bytes it counts for: a larger file is thinned evenly, a smaller one counts several times. 0: as many as it has.
  std::uint64_t bytes = 0;
};

struct TokenizerTrainingOptions {
  std::vector<TokenizerSource> sources;
  std::int64_t vocab = 0;
  int threads = 0;  // 0: one per core. The result does not depend on it
};

struct TrainingProgress {
  std::function<void(double share)> counting = [](double) {};
  std::function<void(double share)> merging = [](double) {};
};

// Learns from the documents that are not held out (document_selection.h). The text of a tokenizer.json.
std::string train_tokenizer(const TokenizerTrainingOptions& options, const TrainingProgress& progress);

struct Compression {
  std::uint64_t bytes = 0;
  std::uint64_t tokens = 0;
};

// Of a file's held-out documents.
Compression measure_compression(const Tokenizer& tokenizer, const std::filesystem::path& file);

}  // namespace fathom
