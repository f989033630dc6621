// How well the model predicts text: bits per byte, which do not depend on the tokenizer.
//
// A document is the begin of sentence and its text, cut into windows of so many tokens; no window sees another. The
// first token of a window is given, all others are predicted: the figure is the sum of -log2 p(token) over them, by the
// bytes that they stand for. The end of sentence is no text and not counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "fathom/evaluation/asking.h"

namespace fathom {

struct TextFigures {
  std::int64_t documents = 0;
  std::int64_t windows = 0;
  std::int64_t tokens = 0;  // predicted
  std::int64_t bytes = 0;   // that they stand for
  double bits = 0.0;

  double bits_per_byte() const { return bytes == 0 ? 0.0 : bits / static_cast<double>(bytes); }
};

struct TextOptions {
  std::filesystem::path file;  // documents as fathom corpus reads them
  std::int64_t window = 4096;
  std::int64_t documents = 0;  // the first ones; 0: all
};

// InputError when the file is damaged, has no document or spells a special token, and when the window is longer than
// the model's positions. `progress` hears of the share that is done.
TextFigures measure_text(const EvaluatedModel& model, const TextOptions& options,
                         const std::function<void(double)>& progress);

// Bits of a continuation behind its prompt. Neither is empty.
double bits_behind(const EvaluatedModel& model, std::span<const std::int32_t> prompt,
                   std::span<const std::int32_t> continuation);

// -log2 of the softmax's share of `target`; logits [vocab].
double bits_of(std::span<const float> logits, std::int32_t target);

}  // namespace fathom
