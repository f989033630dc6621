// A loaded model and all that goes with it: what `generate` and `chat` work on.
#pragma once

#include <memory>
#include <string>

#include "fathom/apps/backend_choice.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/engine/engine.h"
#include "fathom/model/transformer.h"
#include "fathom/tokenizer/tokenizer.h"

namespace CLI {
class App;
}

namespace fathom {

struct ModelOptions {
  std::string directory;
  BackendChoice backend;
  std::string cache = "released";  // or float32
  EngineConfig engine;             // max_batch_tokens 0: usual_batch_tokens()
  // On a GPU, where `engine` says nothing of caches: room for so many sequences of full length is left beside weights;
  // they are all that caches get where others are to come, else whatever there is.
  std::int64_t usual_sequences = 1;
  bool others_to_come = false;
};

void add_model_options(CLI::App& command, ModelOptions& options);
// Of a step where nobody says: a GPU brings experts that do not fit it once a step, whatever its length.
std::int64_t usual_batch_tokens(const BackendChoice& backend);

class ModelSession {
 public:
  // InputError when the directory holds no model that can be run.
  explicit ModelSession(const ModelOptions& options);

  const ModelConfig& config() const { return checkpoint_->config(); }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  Engine& engine() { return engine_; }
  Transformer& transformer() { return transformer_; }

 private:
  std::shared_ptr<const Checkpoint> checkpoint_;
  Tokenizer tokenizer_;
  std::unique_ptr<Backend> backend_;
  Transformer transformer_;
  Engine engine_;
};

}  // namespace fathom
