#include "fathom/trainer/recipe.h"

#include <fmt/format.h>

#include <limits>

#include "fathom/base/toml_section.h"

namespace fathom::train {
namespace {

using Need = TomlSection::Need;

constexpr std::int64_t kMost = std::int64_t{1} << 50;
constexpr std::int64_t kLengthUnit = 128;  // of packed rows (packed_batch.h)

const std::vector<std::pair<std::string_view, AttentionStage>> kAttentions = {
    {"dense", AttentionStage::dense},
    {"indexer_warmup", AttentionStage::indexer_warmup},
    {"sparse", AttentionStage::sparse}};

LearningRate read_learning_rate(TomlSection section) {
  LearningRate rate;
  section.read("begin", rate.begin, 0.0, 10.0);
  section.read("peak", rate.peak, 0.0, 10.0, Need::required);
  rate.end = rate.peak;
  section.read("end", rate.end, 0.0, 10.0);
  section.read("warmup_steps", rate.warmup_steps, 0, kMost);
  section.read("decay_from", rate.decay_from, 0.0, 1.0);
  section.read("shape", rate.shape, {{"cosine", DecayShape::cosine}, {"linear", DecayShape::linear}});
  section.finish();
  return rate;
}

std::vector<MixturePart> read_mixture(TomlSection& stage) {
  std::vector<MixturePart> mixture;
  for (TomlSection& section : stage.sections("mixture", Need::required)) {
    MixturePart part;
    section.read("shard", part.shard, Need::required);
    section.read("weight", part.weight, 1e-9, 1e9);
    section.finish();
    mixture.push_back(part);
  }
  return mixture;
}

Stage read_stage(TomlSection& section) {
  Stage stage;
  section.read("name", stage.name, Need::required);
  section.read("tokens", stage.tokens, 1, kMost, Need::required);
  section.read("length", stage.length, kLengthUnit, std::int64_t{1} << 24, Need::required);
  if (stage.length % kLengthUnit != 0)
    section.refuse("length", fmt::format("is {}, expected a multiple of {}", stage.length, kLengthUnit));
  section.read("rows", stage.rows, 1, 1 << 16);
  section.read("micro_batches", stage.micro_batches, 1, 1 << 16);
  section.read("attention", stage.attention, kAttentions);
  section.read("released_precision", stage.released_precision);
  section.read("train", stage.train, {{"all", TrainedPart::all}, {"indexer", TrainedPart::indexer}});
  if (stage.attention == AttentionStage::indexer_warmup && stage.train != TrainedPart::indexer)
    section.refuse("train", "is \"all\", expected \"indexer\": in indexer_warmup the indexer alone learns");
  stage.learning_rate = read_learning_rate(section.section("learning_rate"));
  section.read("weight_decay", stage.weight_decay, 0.0, 10.0);
  section.read("mtp_weight", stage.mtp_weight, 0.0, 10.0);
  section.read("mtp_weight_decayed", stage.mtp_weight_decayed, 0.0, 10.0);
  section.read("balance_speed", stage.balance_speed, 0.0, 1.0);
  section.read("balance_weight", stage.balance_weight, 0.0, 1.0);
  section.read("indexer_weight", stage.indexer_weight, 0.0, 1e6);
  section.read("anticipate", stage.anticipate, 0, 1000);
  stage.mixture = read_mixture(section);
  section.finish();
  return stage;
}

HeldOut read_held_out(TomlSection section) {
  HeldOut held_out;
  section.read("every", held_out.every, 0, kMost);
  section.read("rows", held_out.rows, 1, 1 << 20);
  for (TomlSection& entry : section.sections("shards")) {
    HeldOutShard shard;
    entry.read("name", shard.name, Need::required);
    entry.read("shard", shard.shard, Need::required);
    entry.finish();
    held_out.shards.push_back(shard);
  }
  section.finish();
  return held_out;
}

void read_run(TomlSection section, Recipe& recipe) {
  section.read("device", recipe.device);
  section.read("compute", recipe.compute);
  section.read("threads", recipe.threads, 0, 1024);
  section.read("log_every", recipe.log_every, 1, kMost);
  section.read("checkpoint_steps", recipe.checkpoint_steps, 0, kMost);
  section.read("checkpoint_minutes", recipe.checkpoint_minutes, 0.0, 1e6);
  section.finish();
}

}  // namespace

std::string_view name_of(AttentionStage stage) {
  for (const auto& [name, value] : kAttentions)
    if (value == stage) return name;
  return "?";
}

std::int64_t Recipe::steps() const {
  std::int64_t sum = 0;
  for (const Stage& stage : stages) sum += stage.steps();
  return sum;
}

std::vector<std::string> Recipe::identity() const {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("seed {}", seed));
  if (plain_residuals) lines.emplace_back("residuals plain");
  lines.push_back(fmt::format("compute {}", compute));
  lines.push_back(fmt::format("optimizer {} clip {}", static_cast<int>(optimizer), clip));
  for (const Stage& stage : stages) {
    const LearningRate& rate = stage.learning_rate;
    lines.push_back(fmt::format("stage {} tokens {} length {} rows {} micro_batches {}", stage.name, stage.tokens,
                                stage.length, stage.rows, stage.micro_batches));
    lines.push_back(fmt::format("  attention {} released_precision {} train {} anticipate {}", name_of(stage.attention),
                                stage.released_precision, static_cast<int>(stage.train), stage.anticipate));
    lines.push_back(fmt::format("  learning_rate {} {} {} warmup {} decay_from {} shape {} weight_decay {}", rate.begin,
                                rate.peak, rate.end, rate.warmup_steps, rate.decay_from, static_cast<int>(rate.shape),
                                stage.weight_decay));
    lines.push_back(fmt::format("  mtp {} {} balance {} {} indexer {}", stage.mtp_weight, stage.mtp_weight_decayed,
                                stage.balance_speed, stage.balance_weight, stage.indexer_weight));
    for (const MixturePart& part : stage.mixture)
      lines.push_back(fmt::format("  shard {} weight {}", part.shard.filename().string(), part.weight));
  }
  return lines;
}

Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& settings) {
  TomlSection root = TomlSection::load("recipe", file, settings);
  Recipe recipe;
  recipe.file = file;
  TomlSection model = root.section("model");
  model.read("config", recipe.config, Need::required);
  model.read("tokenizer", recipe.tokenizer);
  model.read("start", recipe.start);
  model.read("seed", recipe.seed, 0, std::numeric_limits<std::int64_t>::max());
  std::string residuals = "hyper_connections";
  model.read("residuals", residuals);
  if (residuals != "hyper_connections" && residuals != "plain")
    model.refuse("residuals", fmt::format("is \"{}\", expected hyper_connections or plain", residuals));
  recipe.plain_residuals = residuals == "plain";
  model.finish();
  read_run(root.section("run"), recipe);
  TomlSection optimizer = root.section("optimizer");
  optimizer.read("kind", recipe.optimizer, {{"muon", OptimizerKind::published}, {"adamw", OptimizerKind::adamw}});
  optimizer.read("clip", recipe.clip, 0.0, 1e9);
  optimizer.finish();
  recipe.held_out = read_held_out(root.section("held_out"));
  for (TomlSection& section : root.sections("stages", Need::required)) recipe.stages.push_back(read_stage(section));
  root.finish();
  return recipe;
}

}  // namespace fathom::train
