#include "fathom/checkpoint/random_checkpoint.h"

#include <algorithm>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/checkpoint/hash_table.h"
#include "fathom/checkpoint/quantize.h"
#include "fathom/checkpoint/random_distribution.h"
#include "fathom/checkpoint/random_values.h"
#include "fathom/checkpoint/reshard.h"
#include "fathom/checkpoint/safetensors_writer.h"
#include "fathom/spec/model_config_json.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

constexpr std::int64_t kSlabRows = kFp8Block;  // rows made at a time: whole scale blocks, little memory

class RandomWriter {
 public:
  RandomWriter(const ModelConfig& config, const RandomCheckpointOptions& options)
      : config_(config), options_(options), table_(tensor_table(config)) {
    for (const TensorSpec& spec : table_) {
      const Storage storage = storage_of(spec);
      if (std::find(spec.allowed.begin(), spec.allowed.end(), storage) == spec.allowed.end())
        throw InputError("[random] tensor {} as {}, expected a storage that loads", spec.name, name_of(storage));
      for (const StoredTensor& tensor : stored_tensors(spec, storage))
        plan_.push_back({.name = tensor.name, .dtype = dtype_of(tensor, storage), .shape = tensor.shape});
    }
  }

  void write(const std::filesystem::path& directory) {
    SafetensorsWriter writer(directory, plan_, options_.shards);
    for (const TensorSpec& spec : table_) {
      if (spec.role == TensorRole::hash_table) {
        write_hash_table(writer, spec);
      } else {
        write_floats(writer, spec);
      }
    }
    writer.finish();
  }

 private:
  Storage storage_of(const TensorSpec& spec) const { return options_.storage ? options_.storage(spec) : spec.released; }

  bool has_float_scale(Storage storage) const { return options_.float_scales && storage == Storage::fp8_block; }

  DType dtype_of(const StoredTensor& tensor, Storage storage) const {
    const auto dtype = dtype_from_name(tensor.dtype);
    check(dtype.has_value(), "every dtype of the table has a DType");
    return *dtype == DType::f8_e8m0 && has_float_scale(storage) ? DType::f32 : *dtype;
  }

  void write_floats(SafetensorsWriter& writer, const TensorSpec& spec) const {
    const Storage storage = storage_of(spec);
    const std::int64_t columns = spec.shape.back();
    const std::int64_t rows = spec.elements() / columns;
    const RandomDistribution distribution = random_distribution(spec);
    RandomValues random(options_.seed, values_name(spec));
    std::vector<float> slab;
    std::vector<std::byte> scales;
    for (std::int64_t row = 0; row < rows; row += kSlabRows) {
      slab.resize(static_cast<std::size_t>(std::min(kSlabRows, rows - row) * columns));
      for (float& value : slab) value = distribution.draw(random);
      const QuantizedRows stored = quantize_rows(slab, columns, storage);
      writer.write(values_name(spec), stored.values);
      scales.insert(scales.end(), stored.scales.begin(), stored.scales.end());
    }
    if (scales.empty()) return;
    if (!has_float_scale(storage)) return writer.write(scale_name(spec), scales);
    std::vector<float> wide;
    wide.reserve(scales.size());
    for (const std::byte code : scales) wide.push_back(e8m0_to_float(std::to_integer<std::uint8_t>(code)));
    writer.write(scale_name(spec), std::as_bytes(std::span<const float>(wide)));
  }

  void write_hash_table(SafetensorsWriter& writer, const TensorSpec& spec) const {
    const std::vector<std::int64_t> table = random_hash_table(config_, options_.seed, spec.name);
    if (storage_of(spec) == Storage::i64) return writer.write(spec.name, std::as_bytes(std::span(table)));
    const std::vector<std::int32_t> narrow(table.begin(), table.end());
    writer.write(spec.name, std::as_bytes(std::span(narrow)));
  }

  const ModelConfig& config_;
  const RandomCheckpointOptions& options_;
  std::vector<TensorSpec> table_;
  std::vector<TensorPlan> plan_;
};

}  // namespace

void write_random_checkpoint(const ModelConfig& config, const std::filesystem::path& directory,
                             const RandomCheckpointOptions& options) {
  config.validate();
  require_no_checkpoint(directory);
  RandomWriter(config, options).write(directory);
  OutputFile file(directory / "config.json");
  file.write(model_config_json(config));
  file.close();
  file.publish();
}

}  // namespace fathom
