#include "fathom/apps/model_session.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "fathom/apps/device_memory.h"
#include "fathom/spec/model_size.h"

namespace fathom {
namespace {

constexpr std::int64_t kUsualTokens = 512;
constexpr std::int64_t kUsualTokensOnGpu = 4096;

Tokenizer load_tokenizer(const Checkpoint& checkpoint) {
  Tokenizer tokenizer = Tokenizer::load(checkpoint.directory() / "tokenizer.json");
  if (tokenizer.vocab() > checkpoint.config().vocab)
    throw InputError("[model] {}: tokenizer.json has ids up to {}, config.json's vocab_size is {}",
                     checkpoint.directory().string(), tokenizer.vocab() - 1, checkpoint.config().vocab);
  return tokenizer;
}

std::int64_t batch_tokens_of(const ModelOptions& options) {
  const std::int64_t said = options.engine.max_batch_tokens;
  return said > 0 ? said : usual_batch_tokens(options.backend);
}

EngineConfig engine_config(const ModelOptions& options, const Tokenizer& tokenizer, Transformer& transformer) {
  EngineConfig config = options.engine;
  config.max_batch_tokens = batch_tokens_of(options);
  config.sampled_vocab = tokenizer.vocab();
  if (!transformer.backend().free_bytes()) return config;
  take_memory_of_a_step(transformer, config.max_batch_tokens, config.max_sequences);
  const std::int64_t sequence = transformer.cache_layout().cost().bytes(transformer.config().max_positions);
  config.cache_bytes =
      caches_on_device(*transformer.backend().free_bytes(), {.asked = config.cache_bytes,
                                                             .usual = options.usual_sequences * sequence,
                                                             .others_to_come = options.others_to_come,
                                                             .step_tokens = config.max_batch_tokens});
  return config;
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--model", options.directory, "checkpoint directory in the released format, with tokenizer.json")
      ->required()
      ->envname("FATHOM_MODEL");
  add_backend_options(command, options.backend);
  command.add_option("--cache", options.cache, "how keys and values are kept: released (584-byte entries) or float32")
      ->check(CLI::IsMember({"released", "float32"}))
      ->envname("FATHOM_CACHE")
      ->capture_default_str();
  options.engine.max_batch_tokens = 0;
  command.add_option("--batch-tokens", options.engine.max_batch_tokens, "prompt tokens read in one step")
      ->check(CLI::Range(1, 1 << 20))
      ->envname("FATHOM_BATCH_TOKENS")
      ->default_str(fmt::format("{}, on a GPU {}", kUsualTokens, kUsualTokensOnGpu));
  options.engine.drafts.most = kMostDrafts;
  command
      .add_option("--draft-tokens", options.engine.drafts.most,
                  "guessed and verified in one step, at most, where that is faster; 0: none; the answer is the same")
      ->check(CLI::Range(std::int64_t{0}, kMostDrafts))
      ->envname("FATHOM_DRAFT_TOKENS")
      ->capture_default_str();
}

std::int64_t usual_batch_tokens(const BackendChoice& backend) {
  return is_on_gpu(backend) ? kUsualTokensOnGpu : kUsualTokens;
}

ModelSession::ModelSession(const ModelOptions& options)
    : checkpoint_(std::make_shared<const Checkpoint>(Checkpoint::open(options.directory))),
      tokenizer_(load_tokenizer(*checkpoint_)),
      backend_(make_backend(options.backend, model_size(checkpoint_->config()).stored.bytes)),
      transformer_(
          checkpoint_, *backend_,
          {.storage = cache_storage(options.cache),
           // A snapshot is taken one token before a prompt's end, without a step of its own.
           .rollback_tokens = std::max<std::int64_t>(options.engine.prefix.on ? 1 : 0, options.engine.drafts.most),
           .step_tokens = batch_tokens_of(options),
           .cache_bytes = options.engine.cache_bytes,
           .usual_sequences = options.usual_sequences}),
      engine_(transformer_, engine_config(options, tokenizer_, transformer_)) {}

}  // namespace fathom
