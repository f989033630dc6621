// A learned vocabulary as a Hugging Face tokenizer.json with DeepSeek's pre-tokenizer.
#pragma once

#include <span>
#include <string>

#include "fathom/corpus/bpe_trainer.h"
#include "fathom/tokenizer/tokenizer_json.h"

namespace fathom {

// The added tokens stand before the vocabulary: ids 0 to vocabulary.first_id - 1.
std::string write_tokenizer_json(const BpeVocabulary& vocabulary, std::span<const AddedToken> added);

}  // namespace fathom
