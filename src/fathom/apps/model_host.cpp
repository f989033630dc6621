#include "fathom/apps/model_host.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "fathom/apps/free_memory.h"
#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint_identity.h"
#include "fathom/engine/engine_loop.h"
#include "fathom/ops/device_caches.h"
#include "fathom/server/request_log.h"

namespace fathom {
namespace {

constexpr const char* kFlash = "deepseek-v4-flash";
constexpr const char* kPro = "deepseek-v4-pro";
constexpr std::int64_t kUsualSequences = 2;
constexpr std::int64_t kAnswerQueue = std::int64_t{32} << 20;
constexpr std::int64_t kAnswerSegment = std::int64_t{16} << 20;

// None where it cannot be had: a server without it is slower, and no more.
std::shared_ptr<store::BlobStore> open_store(store::StoreOptions options, std::string_view what,
                                             server::RequestLog& log) {
  options.warn = [&log](std::string_view text) { log.error(text); };
  try {
    return std::make_shared<store::BlobStore>(std::move(options));
  } catch (const InputError& error) {
    log.error(fmt::format("{} are kept in memory alone: {}", what, error.what()));
    return nullptr;
  }
}

// The folder that all models share.
std::shared_ptr<store::BlobStore> open_disk(const server::EngineSettings& settings, server::RequestLog& log) {
  if (settings.prefix_cache != "on" || settings.prefix_disk.empty()) return nullptr;
  store::StoreOptions options{.folder = settings.prefix_disk,
                              .limits = {.bytes = settings.prefix_disk_gigabytes << 30,
                                         .bytes_a_day = settings.prefix_disk_daily_gigabytes << 30},
                              .warn = {},
                              .now = {}};
  return open_store(std::move(options), "prefixes", log);
}

// A store of its own: what prefixes write, a thousand times as much, neither fills its queue nor drives answers out.
std::shared_ptr<server::AnswerDisk> open_answers(const server::ServerConfig& config, server::RequestLog& log) {
  if (config.replay_disk_megabytes == 0 || config.answers.bytes == 0) return nullptr;
  const std::int64_t bytes = config.replay_disk_megabytes << 20;
  store::StoreOptions options{.folder = std::filesystem::path(config.engine.prefix_disk) / "answers",
                              .limits = {.bytes = bytes,
                                         .bytes_a_day = config.engine.prefix_disk_daily_gigabytes << 30,
                                         .queue_bytes = kAnswerQueue,
                                         .segment_bytes = kAnswerSegment},
                              .warn = {},
                              .now = {},
                              .readers = 0};
  auto store = open_store(std::move(options), "answers", log);
  if (!store) return nullptr;
  return std::make_shared<server::AnswerDisk>(std::move(store), [&log](std::string_view text) { log.error(text); });
}

// Ids mean nothing in another vocabulary, and a state behind them nothing to other weights.
std::string identity_of(const std::string& directory) {
  Hasher hasher;
  const Checkpoint checkpoint = Checkpoint::open(directory);
  hasher.add(std::span<const std::byte>(checkpoint_identity(checkpoint)));
  return to_hex(hasher.add(read_text_file(checkpoint.directory() / "tokenizer.json")).finish());
}

PrefixDiskConfig disk_of(std::shared_ptr<store::BlobStore> store, const std::string& directory,
                         const std::string& version, server::RequestLog& log) {
  if (!store) return {};
  const Digest identity = checkpoint_identity(Checkpoint::open(directory));
  return {.store = std::move(store),
          .identity = fmt::format("{} {}", version, to_hex(identity)),
          .warn = [&log](std::string_view text) { log.error(text); },
          .loads = PrefixLoads::when_quicker};
}

// 0: whatever a GPU has left.
std::int64_t cache_bytes_of(const server::EngineSettings& settings, const BackendChoice& backend) {
  if (settings.cache_megabytes > 0) return settings.cache_megabytes << 20;
  return is_on_gpu(backend) ? 0 : free_memory_bytes() / 2;
}

ModelOptions options_of(const std::string& directory, const server::EngineSettings& settings, PrefixDiskConfig disk) {
  ModelOptions options{.directory = directory,
                       .backend = {.name = settings.backend,
                                   .threads = static_cast<int>(settings.threads),
                                   .cpu_target = settings.cpu_target,
                                   .pin = settings.pin,
                                   .experts = settings.experts,
                                   .head_sketch = settings.head_sketch,
                                   .device = settings.device,
                                   .cuda_products = settings.cuda_products,
                                   .gpu_megabytes = settings.gpu_megabytes},
                       .cache = settings.cache,
                       .engine = {},
                       .usual_sequences = kUsualSequences};
  options.engine.max_batch_tokens = settings.batch_tokens;
  options.engine.max_sequences = settings.sequences;
  options.engine.step_seconds = std::chrono::duration<double>(settings.step_time).count();
  options.engine.cache_bytes = cache_bytes_of(settings, options.backend);
  options.engine.prefix = {.on = settings.prefix_cache == "on",
                           .minimum = settings.prefix_minimum,
                           .bytes = settings.prefix_megabytes << 20,
                           .disk = std::move(disk)};
  options.engine.drafts.most = settings.draft_tokens;
  return options;
}

std::int64_t created_of(const std::filesystem::path& directory) {
  const auto written = std::filesystem::last_write_time(directory / "config.json");
  const auto system = std::chrono::file_clock::to_sys(written);
  return std::chrono::duration_cast<std::chrono::seconds>(system.time_since_epoch()).count();
}

// What decides an answer's bits besides the request: the model's shape, its weights' size and how caches are kept.
std::string fingerprint_of(const std::filesystem::path& directory, const server::EngineSettings& settings) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  const auto add = [&](std::string_view text) {
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  };
  add(read_text_file(directory / "config.json"));
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".safetensors") add(fmt::format("{}", entry.file_size()));
  return fmt::format("fp_{:010x}_fathom_{}", hash & 0xFFFFFFFFFFULL, settings.cache);
}

}  // namespace

std::vector<ServedDirectory> served_directories(const std::vector<std::string>& models) {
  if (models.empty()) throw InputError("[serve] model has no directory, expected --model DIR");
  std::vector<ServedDirectory> all;
  std::map<std::string, std::string> owners;
  std::vector<std::size_t> nameless;
  for (const std::string& model : models) {
    const std::size_t equals = model.find('=');
    const bool named = equals != std::string::npos;
    const std::string directory = named ? model.substr(equals + 1) : model;
    const auto same = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.directory == directory; });
    const std::size_t place = static_cast<std::size_t>(same - all.begin());
    if (same == all.end()) all.push_back({.directory = directory, .ids = {}});
    if (!named) {
      nameless.push_back(place);
      continue;
    }
    const std::string id = model.substr(0, equals);
    if (id.empty() || directory.empty()) throw InputError("[serve] model is {}, expected DIR or NAME=DIR", model);
    const auto [owner, fresh] = owners.emplace(id, directory);
    if (!fresh) throw InputError("[serve] model {} is {}, and {} too", id, owner->second, directory);
    all[place].ids.push_back(id);
  }
  if (nameless.size() > 1)
    throw InputError("[serve] model has {} directories without a name, expected one at most: {} and {}",
                     nameless.size(), all[nameless[0]].directory, all[nameless[1]].directory);
  for (const std::size_t place : nameless)
    for (const char* id : {kFlash, kPro})
      if (owners.emplace(id, all[place].directory).second) all[place].ids.push_back(id);
  return all;
}

struct ModelHost::Loaded {
  Loaded(const ModelOptions& options, const server::ServerConfig& config, server::RequestLog& log)
      : session(options),
        constraints(std::make_shared<grammar::ConstraintMaker>(session.tokenizer())),
        generator(std::make_shared<EngineLoop>(
            session.engine(),
            EngineLoopConfig{.queue_limit = config.engine.queue,
                             .user_limit = config.engine.queue_per_user,
                             .account_limit = config.engine.queue_per_account,
                             .on_fault = [&log, directory = options.directory](const std::string& fault) {
                               log.error(fmt::format("model={} fault: {}", directory, fault));
                             }})) {}

  ModelSession session;
  std::shared_ptr<grammar::ConstraintMaker> constraints;
  std::shared_ptr<EngineLoop> generator;
};

ModelHost::ModelHost(const server::ServerConfig& config, const std::string& version)
    : log_(std::make_unique<server::RequestLog>(server::parts_of(config).log_level)) {
  const std::shared_ptr<store::BlobStore> disk = open_disk(config.engine, *log_);
  if (disk) answer_disk_ = open_answers(config, *log_);
  const std::vector<ServedDirectory> all = served_directories(config.models);
  std::int64_t caches = 0;  // of the models before, which take them later
  for (const ServedDirectory& served : all) {
    ModelOptions options = options_of(served.directory, config.engine, disk_of(disk, served.directory, version, *log_));
    options.others_to_come = &served != &all.back();
    options.backend.gpu_alone = all.size() == 1;
    options.backend.gpu_kept_bytes = caches > 0 ? bytes_for_caches(caches) : 0;
    auto loaded = std::make_unique<Loaded>(options, config, *log_);
    caches += loaded->session.engine().config().cache_bytes;
    const std::int64_t positions = loaded->session.engine().context_limit();
    if (positions < 2)
      throw InputError("[serve] cache_megabytes is {}, too little for a single answer of {}",
                       loaded->session.engine().config().cache_bytes >> 20, served.directory);
    const std::int64_t context = config.context_tokens > 0 ? std::min(config.context_tokens, positions) : positions;
    const std::string identity = answer_disk_ ? identity_of(served.directory) : "";
    for (const std::string& id : served.ids)
      models_.push_back(
          {.id = id,
           .generator = loaded->generator,
           // The session owns it and outlives the server.
           .tokenizer = std::shared_ptr<const Tokenizer>(std::shared_ptr<void>(), &loaded->session.tokenizer()),
           .constraints = loaded->constraints,
           .end_of_sentence = static_cast<std::int32_t>(loaded->session.config().eos_token),
           .context_tokens = context,
           .max_output_tokens = std::min(config.max_output_tokens, context),
           .created = created_of(served.directory),
           .fingerprint = fingerprint_of(served.directory, config.engine),
           .identity = identity});
    loaded_.push_back(std::move(loaded));
  }
}

ModelHost::~ModelHost() = default;

}  // namespace fathom
