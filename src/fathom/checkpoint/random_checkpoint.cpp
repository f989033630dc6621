#include "fathom/checkpoint/random_checkpoint.h"

#include <algorithm>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/base/thread_pool.h"
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

constexpr std::int64_t kSlabRows = kFp8Block;                // rows made at a time: whole scale blocks, little memory
constexpr std::int64_t kMostAtOnce = std::int64_t{1} << 27;  // values of tensors that are made side by side

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
    ThreadPool pool(options_.threads);
    std::int64_t all = 0;
    for (const TensorSpec& spec : table_) all += spec.elements();
    std::int64_t written = 0;
    for (std::size_t first = 0; first < table_.size();) {
      const std::size_t count = group_at(first);
      if (count == 1) {
        write_in_slabs(writer, table_[first]);
      } else {
        write_at_once(writer, std::span(table_).subspan(first, count), pool);
      }
      for (std::size_t index = first; index < first + count; ++index) written += table_[index].elements();
      first += count;
      if (options_.progress) options_.progress(static_cast<double>(written) / static_cast<double>(all));
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

  // Tensors from this one on that are made side by side, each by one thread, as its values are one stream.
  std::size_t group_at(std::size_t first) const {
    std::size_t count = 0;
    for (std::int64_t elements = 0; first + count < table_.size(); ++count)
      if (elements += table_[first + count].elements(); elements > kMostAtOnce) break;
    return std::max<std::size_t>(count, 1);
  }

  using Bytes = std::vector<std::byte>;

  // The tensor's values go to `sink`, in pieces; returns its scales, none where it has none.
  template <typename Sink>
  Bytes draw(const TensorSpec& spec, const Sink& sink) const {
    if (spec.role == TensorRole::hash_table) {
      draw_hash_table(spec, sink);
      return {};
    }
    const Storage storage = storage_of(spec);
    const std::int64_t columns = spec.shape.back();
    const std::int64_t rows = spec.elements() / columns;
    const RandomDistribution distribution = random_distribution(spec);
    RandomValues random(options_.seed, values_name(spec));
    std::vector<float> slab;
    Bytes scales;
    for (std::int64_t row = 0; row < rows; row += kSlabRows) {
      slab.resize(static_cast<std::size_t>(std::min(kSlabRows, rows - row) * columns));
      for (float& value : slab) value = distribution.draw(random);
      const QuantizedRows stored = quantize_rows(slab, columns, storage);
      sink(stored.values);
      scales.insert(scales.end(), stored.scales.begin(), stored.scales.end());
    }
    return scales;
  }

  template <typename Sink>
  void draw_hash_table(const TensorSpec& spec, const Sink& sink) const {
    const std::vector<std::int64_t> table = random_hash_table(config_, options_.seed, spec.name);
    if (storage_of(spec) == Storage::i64) return sink(std::as_bytes(std::span(table)));
    const std::vector<std::int32_t> narrow(table.begin(), table.end());
    sink(std::as_bytes(std::span(narrow)));
  }

  void write_in_slabs(SafetensorsWriter& writer, const TensorSpec& spec) const {
    write_scales(writer, spec,
                 draw(spec, [&](std::span<const std::byte> bytes) { writer.write(values_name(spec), bytes); }));
  }

  void write_at_once(SafetensorsWriter& writer, std::span<const TensorSpec> specs, ThreadPool& pool) const {
    std::vector<Bytes> values(specs.size());
    std::vector<Bytes> scales(specs.size());
    pool.parallel_for_helping(std::ssize(specs), 1, [&](std::int64_t first, std::int64_t last, std::int64_t) {
      for (auto index = static_cast<std::size_t>(first); index < static_cast<std::size_t>(last); ++index)
        scales[index] = draw(specs[index], [&](std::span<const std::byte> bytes) {
          values[index].insert(values[index].end(), bytes.begin(), bytes.end());
        });
    });
    for (std::size_t index = 0; index < specs.size(); ++index) {
      writer.write(values_name(specs[index]), values[index]);
      write_scales(writer, specs[index], scales[index]);
    }
  }

  void write_scales(SafetensorsWriter& writer, const TensorSpec& spec, const Bytes& scales) const {
    if (scales.empty()) return;
    if (!has_float_scale(storage_of(spec))) return writer.write(scale_name(spec), scales);
    std::vector<float> wide;
    wide.reserve(scales.size());
    for (const std::byte code : scales) wide.push_back(e8m0_to_float(std::to_integer<std::uint8_t>(code)));
    writer.write(scale_name(spec), std::as_bytes(std::span<const float>(wide)));
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
