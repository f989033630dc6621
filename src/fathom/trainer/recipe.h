// A run of the trainer in one TOML file: the model, the stages with their data and sizes, and how often to report.
// recipes/smoke.toml explains every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/corpus/row_stream.h"
#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/schedule.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

// Rows of one length, read from one mixture, with one kind of attention.
struct Stage {
  std::string name;
  std::int64_t tokens = 0;         // to train on, rounded up to whole steps
  std::int64_t length = 0;         // tokens of a row
  std::int64_t rows = 1;           // of a micro-batch: what one forward pass takes
  std::int64_t micro_batches = 1;  // of a step, over all ranks
  AttentionStage attention = AttentionStage::dense;
  bool released_precision = false;
  TrainedPart train = TrainedPart::all;
  LearningRate learning_rate;
  double weight_decay = 0.1;
  double mtp_weight = 0.3;
  double mtp_weight_decayed = 0.1;  // from the first step on whose learning rate decays
  double balance_speed = 0.001;     // of the routers' biases
  double balance_weight = 1e-4;     // of the sequence balance loss
  double indexer_weight = 1e-2;     // of the indexer's loss
  std::int64_t anticipate = 0;      // steps by which routes are chosen ahead (report, 4.2.3); 0: not
  std::vector<MixturePart> mixture;

  std::int64_t tokens_per_step() const { return length * rows * micro_batches; }
  std::int64_t steps() const { return (tokens + tokens_per_step() - 1) / tokens_per_step(); }
};

struct HeldOutShard {
  std::string name;
  std::filesystem::path shard;
};

struct HeldOut {
  std::int64_t every = 0;  // steps between evaluations; 0: at the end of each stage alone
  std::int64_t rows = 8;   // of each shard, of the stage's length
  std::vector<HeldOutShard> shards;
};

struct Recipe {
  std::filesystem::path file;

  // [model]
  std::filesystem::path config;     // config.json
  std::filesystem::path tokenizer;  // optional: then losses are in bits per byte too, and it lies beside the export
  std::filesystem::path start;      // optional: a checkpoint in the released format, or a state, to begin from
  std::int64_t seed = 0;
  bool plain_residuals = false;  // ForwardOptions::plain_residuals: a baseline, which has no released form

  // [run]
  std::string device = "auto";        // auto (CUDA when there is one), cpu, cuda
  std::string compute = "auto";       // auto (bfloat16 on CUDA, float32 on CPUs), float32, bfloat16
  std::int64_t threads = 0;           // 0: one per core
  std::int64_t log_every = 10;        // steps
  std::int64_t checkpoint_steps = 0;  // 0: by minutes alone
  double checkpoint_minutes = 5.0;

  // [optimizer]
  OptimizerKind optimizer = OptimizerKind::published;
  double clip = 1.0;  // greatest norm of all gradients together; 0: no clipping

  HeldOut held_out;
  std::vector<Stage> stages;

  std::int64_t steps() const;
  // All that decides the weights that come out, line by line; two recipes that agree here train alike.
  std::vector<std::string> identity() const;
};

std::string_view name_of(AttentionStage stage);

// InputError names the file, the line, the key and what was expected. `settings`: see TomlSection::load.
Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& settings);

}  // namespace fathom::train
