// For tests of the engine: it on a small model, and what its sequences give.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/engine/engine.h"
#include "tests/model/small_model.h"

namespace fathom::testing {

using Ids = std::vector<std::int32_t>;

// The small model has 57 tokens and 300 positions.
class EngineTest : public ::testing::Test {
 protected:
  GenerationRequest request(Ids prompt, std::int64_t max_tokens = 5) {
    GenerationRequest result{.prompt = std::move(prompt), .sampling = {}};
    result.sampling.max_tokens = max_tokens;
    result.sampling.seed = 3;
    return result;
  }
  std::string error_of(Engine& engine, const GenerationRequest& faulty) {
    try {
      engine.submit(faulty);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  // Steps until nothing is left: each sequence's events.
  static std::map<SequenceId, std::vector<TokenEvent>> run(Engine& engine) {
    std::map<SequenceId, std::vector<TokenEvent>> events;
    while (!engine.idle())
      for (const TokenEvent& event : engine.step()) events[event.sequence].push_back(event);
    return events;
  }
  static Ids tokens_of(const std::vector<TokenEvent>& events) {
    Ids ids;
    for (const TokenEvent& event : events) ids.push_back(event.token.token);
    return ids;
  }

  const SmallModel model_{small_config()};
  CpuBackend backend_{{.threads = 1}};
  Transformer transformer_{model_.checkpoint(), backend_, {}};
};

}  // namespace fathom::testing
