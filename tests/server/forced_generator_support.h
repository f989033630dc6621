// A real engine that samples what a script says: it reads, caches and finds prefixes as ever, and a constraint leaves
// it one token at a time. Of a script's verbs `when`, `anywhere`, `times` and `say` count.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "fathom/server/hosted_model.h"
#include "tests/server/scripted_generator_support.h"

namespace fathom::testing {

class ForcedGenerator final : public Generator {
 public:
  // In front of that model's generator.
  ForcedGenerator(server::HostedModel model, std::vector<Script> scripts)
      : model_(std::move(model)), scripts_(std::move(scripts)) {}

  std::variant<SequenceId, Refusal> submit(GenerationRequest request, std::shared_ptr<TokenSink> sink) override;
  void cancel_behind(SequenceId id, std::int64_t answered) override { model_.generator->cancel_behind(id, answered); }
  GeneratorLoad load() const override { return model_.generator->load(); }
  void drain() override { model_.generator->drain(); }

 private:
  const server::HostedModel model_;
  std::mutex mutex_;
  std::vector<Script> scripts_;
};

}  // namespace fathom::testing
