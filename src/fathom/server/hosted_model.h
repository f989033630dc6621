// An id that clients may name, and what answers for it. Several ids may share all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "fathom/api/call.h"
#include "fathom/engine/generator.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::server {

struct HostedModel {
  std::string id;
  std::shared_ptr<Generator> generator;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::int32_t end_of_sentence = 1;
  std::int64_t context_tokens = 0;     // prompt and answer together
  std::int64_t max_output_tokens = 0;  // of one answer
  std::int64_t created = 0;            // seconds since 1970
  std::string fingerprint;             // of model and numerics
};

// What narrows the answer to this call, or null. Throws api::ApiError for a schema that cannot be obeyed.
// `in_thinking`: the answer begins inside its reasoning.
using ConstraintFactory =
    std::function<std::shared_ptr<TokenConstraint>(const api::Call& call, const HostedModel& model, bool in_thinking)>;

}  // namespace fathom::server
