// An id that clients may name, and what answers for it. Several ids may share all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fathom/engine/generator.h"
#include "fathom/grammar/constraint.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::server {

struct HostedModel {
  std::string id;
  std::shared_ptr<Generator> generator;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<grammar::ConstraintMaker> constraints;  // null: no answer is narrowed
  std::int32_t end_of_sentence = 1;
  std::int64_t context_tokens = 0;     // prompt and answer together
  std::int64_t max_output_tokens = 0;  // of one answer
  std::int64_t created = 0;            // seconds since 1970
  std::string fingerprint;             // of model and numerics
  // Of weights and vocabulary, across restarts: what sampled tokens are kept under; empty: the fingerprint.
  std::string identity = {};
};

}  // namespace fathom::server
