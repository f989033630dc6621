#include "fathom/checkpoint/checkpoint.h"

#include <unordered_map>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/checkpoint/element_copy.h"
#include "fathom/checkpoint/fault_list.h"
#include "fathom/checkpoint/shard_set.h"
#include "fathom/checkpoint/tensor_binding.h"
#include "fathom/checkpoint/tensor_pieces.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

WeightView weight_view(const TensorBinding& binding) {
  WeightView view = weight_layout(*binding.spec, binding.storage);
  view.data = binding.values->bytes;
  if (binding.scale != nullptr) {
    view.scale = binding.scale->bytes;
    view.scale_dtype = binding.scale->tensor->dtype;
  }
  return view;
}

bool has_mtp(const TensorPieces& pieces) {
  for (const auto& [name, piece] : pieces)
    if (name.starts_with("mtp.")) return true;
  return false;
}

}  // namespace

struct Checkpoint::Contents {
  std::filesystem::path directory;
  ModelConfig config;
  std::vector<std::string> notes;
  std::vector<SafetensorsFile> files;
  std::vector<TensorSpec> table;
  TensorPieces pieces;
  std::vector<TensorBinding> bindings;
  std::unordered_map<std::string_view, std::size_t> linears;  // "layers.0.attn.wq_a" -> position in bindings
  std::unordered_map<std::string, std::size_t> values;        // with ending, linears too

  void drop_absent_mtp() {
    if (config.mtp_layers == 0 || has_mtp(pieces)) return;
    notes.push_back(
        fmt::format("config.json names {} MTP layers and the files hold none: they are left out", config.mtp_layers));
    config.mtp_layers = 0;
    config.compress_ratios.resize(static_cast<std::size_t>(config.layers));
  }

  void follow_stored_experts() {
    std::int64_t fp4 = 0;
    std::int64_t fp8 = 0;
    for (const TensorBinding& binding : bindings) {
      if (binding.spec->role != TensorRole::expert) continue;
      fp4 += binding.storage == Storage::fp4_group ? 1 : 0;
      fp8 += binding.storage == Storage::fp8_block ? 1 : 0;
    }
    if (fp4 > 0 && fp8 == 0) config.expert_format = ExpertFormat::fp4;
    if (fp8 > 0 && fp4 == 0) config.expert_format = ExpertFormat::fp8;
  }

  void index_names() {
    for (std::size_t position = 0; position < bindings.size(); ++position) {
      const TensorSpec& spec = *bindings[position].spec;
      if (spec.linear || spec.role == TensorRole::hc_mix) linears.emplace(spec.name, position);
      values.emplace(values_name(spec), position);
    }
  }

  const TensorBinding& values_at(std::string_view name) const {
    const auto found = values.find(std::string(name));
    if (found == values.end()) throw InternalError("[checkpoint] {} is in no table of tensors", name);
    return bindings[found->second];
  }
};

Checkpoint::Checkpoint(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

Checkpoint Checkpoint::open(const std::filesystem::path& directory) {
  auto contents = std::make_unique<Contents>();
  contents->directory = directory;
  contents->config = load_model_config(directory / "config.json");
  contents->files = open_shards(directory);
  FaultList faults;
  contents->pieces = gather_pieces(contents->files, contents->config, faults);
  contents->drop_absent_mtp();
  contents->table = tensor_table(contents->config);
  contents->bindings = bind_tensors(contents->table, contents->pieces, faults);
  const std::string subject =
      contents->files.size() == 1 ? contents->files.front().path().string() : directory.string();
  faults.throw_if_any("checkpoint", subject);
  contents->follow_stored_experts();
  contents->index_names();
  return Checkpoint(std::move(contents));
}

const ModelConfig& Checkpoint::config() const { return contents_->config; }
const std::filesystem::path& Checkpoint::directory() const { return contents_->directory; }
const std::vector<std::string>& Checkpoint::notes() const { return contents_->notes; }
const std::vector<SafetensorsFile>& Checkpoint::files() const { return contents_->files; }

WeightView Checkpoint::linear(std::string_view name) const {
  const auto found = contents_->linears.find(name);
  if (found == contents_->linears.end()) throw InternalError("[checkpoint] {} is in no table of linear maps", name);
  return weight_view(contents_->bindings[found->second]);
}

void Checkpoint::was_read(const WeightView& view) const {
  give_back_pages(view.data);
  give_back_pages(view.scale);
}

std::vector<float> Checkpoint::floats(std::string_view name) const {
  const TensorBinding& binding = contents_->values_at(name);
  return copy_floats(binding.values->bytes, binding.values->tensor->dtype);
}

std::vector<std::int32_t> Checkpoint::integers(std::string_view name) const {
  const TensorBinding& binding = contents_->values_at(name);
  const std::vector<std::int64_t> wide = copy_integers(binding.values->bytes, binding.values->tensor->dtype);
  std::vector<std::int32_t> ids;
  ids.reserve(wide.size());
  for (const std::int64_t id : wide) {
    if (id < 0 || id >= contents_->config.experts)
      throw InputError("[checkpoint] {}: tensor {} sends token {} to expert {}, expected 0 to {}",
                       binding.values->file->path().string(), printable(binding.values->tensor->name),
                       ids.size() / static_cast<std::size_t>(contents_->config.selected_experts), id,
                       contents_->config.experts - 1);
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

}  // namespace fathom
