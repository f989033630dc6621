// For tests of the evaluation: models/sprat, ready to be asked. Its weights are drawn, so its answers are noise that
// never changes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/evaluation/part.h"
#include "tests/base/file_support.h"

namespace fathom::testing {

class AskedModel {
 public:
  // `end_of_sentence`: another token for it than sprat's own, which its noise never says.
  explicit AskedModel(std::int64_t batch_tokens = 512, std::int64_t sequences = 64, std::int32_t end_of_sentence = 1,
                      const PrefixCacheConfig& prefix = {});
  const EvaluatedModel& model() const { return model_; }

 private:
  TemporaryDirectory directory_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  Tokenizer tokenizer_;
  CpuBackend backend_;
  Transformer transformer_;
  EngineConfig limits_;
  Engine engine_;
  EvaluatedModel model_;
};

// A part's context without progress; it keeps the log's file.
class PartRun {
 public:
  explicit PartRun(const AskedModel& asked, Amount amount = {});
  const PartContext& context() const { return context_; }
  // The log's lines; the log is finished by it.
  std::vector<std::string> log_lines();

 private:
  TemporaryDirectory directory_;
  AnswerLog log_;
  PartContext context_;
};

// `text` as zstd packs it.
std::string packed(std::string_view text);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace fathom::testing
