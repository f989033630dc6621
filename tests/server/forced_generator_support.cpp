#include "tests/server/forced_generator_support.h"

#include <algorithm>
#include <utility>

namespace fathom::testing {
namespace {

class ForcedTokens final : public TokenConstraint {
 public:
  explicit ForcedTokens(std::vector<std::int32_t> ids) : ids_(std::move(ids)) {}

  bool narrows() const override { return true; }
  void allowed(std::span<std::uint32_t> mask) override {
    std::fill(mask.begin(), mask.end(), 0U);
    const auto id = static_cast<std::size_t>(ids_[next_]);
    mask[id / 32] = 1U << (id % 32);
  }
  void accept(std::int32_t /*token*/) override { next_ = std::min(next_ + 1, ids_.size() - 1); }

 private:
  const std::vector<std::int32_t> ids_;  // the last is the end of sentence
  std::size_t next_ = 0;
};

}  // namespace

std::variant<SequenceId, Refusal> ForcedGenerator::submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) {
  std::vector<std::int32_t> ids;
  {
    const std::scoped_lock lock(mutex_);
    for (const ScriptStep& step : choose_script(scripts_, model_.tokenizer->decode(request.prompt)).steps) {
      if (step.kind != ScriptStep::Kind::say) continue;
      const std::vector<std::int32_t> more = model_.tokenizer->encode(step.text);
      ids.insert(ids.end(), more.begin(), more.end());
    }
  }
  ids.push_back(model_.end_of_sentence);
  request.constraint = std::make_shared<ForcedTokens>(std::move(ids));
  return model_.generator->submit(std::move(request), std::move(sink));
}

}  // namespace fathom::testing
