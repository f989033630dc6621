#include "fathom/checkpoint/tensor_binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace fathom {
namespace {

std::optional<Storage> storage_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return Storage::f32;
    case DType::bf16: return Storage::bf16;
    case DType::i64: return Storage::i64;
    case DType::i32: return Storage::i32;
    case DType::f8_e4m3: return Storage::fp8_block;
    case DType::i8: return Storage::fp4_group;
    default: return std::nullopt;
  }
}

class Binder {
 public:
  Binder(const TensorPieces& pieces, FaultList& faults) : pieces_(pieces), faults_(faults) {}

  std::optional<TensorBinding> bind(const TensorSpec& spec) {
    const std::string name = values_name(spec);
    const TensorPiece* values = take(name);
    if (values == nullptr) {
      missing(name, name_of(spec.released), values_shape(spec, spec.released));
      if (spec.linear) take(scale_name(spec));  // one fault, not two
      return std::nullopt;
    }
    const std::optional<Storage> storage = storage_of(values->tensor->dtype);
    if (!storage || std::find(spec.allowed.begin(), spec.allowed.end(), *storage) == spec.allowed.end()) {
      wrong_type(*values, spec);
      if (spec.linear) take(scale_name(spec));
      return std::nullopt;
    }
    bool good = has_shape(*values, values_shape(spec, *storage));
    TensorBinding binding{.spec = &spec, .storage = *storage, .values = values};
    const std::vector<std::int64_t> shape_of_scale = scale_shape(spec, *storage);
    if (!shape_of_scale.empty()) {
      binding.scale = bind_scale(scale_name(spec), *storage, shape_of_scale);
      good = good && binding.scale != nullptr;
    }
    return good ? std::optional(binding) : std::nullopt;
  }

  // Pieces that no row of the table asked for, in the order of names so that messages are the same every time.
  void report_unexpected() {
    std::vector<const TensorPieces::value_type*> left;
    for (const auto& entry : pieces_)
      if (taken_.find(&entry.second) == taken_.end()) left.push_back(&entry);
    std::sort(left.begin(), left.end(), [](const auto* one, const auto* other) { return one->first < other->first; });
    for (const auto* entry : left)
      faults_.add(
          fmt::format("unexpected tensor {}: no DeepSeek-V4 with this config.json has it, or not with its "
                      "values' type",
                      described(entry->second)));
  }

 private:
  const TensorPiece* take(const std::string& name) {
    const auto found = pieces_.find(name);
    if (found == pieces_.end()) return nullptr;
    taken_.insert(&found->second);
    return &found->second;
  }

  static std::string described(const TensorPiece& piece) {
    return fmt::format("{} ({} {} in {})", printable(piece.tensor->name), name_of(piece.tensor->dtype),
                       shape_text(piece.tensor->shape), printable(piece.file->path().filename().string()));
  }

  void missing(std::string_view name, std::string_view type, const std::vector<std::int64_t>& shape) {
    faults_.add(fmt::format("tensor {} is missing, expected {} {}", name, type, shape_text(shape)));
  }

  void wrong_type(const TensorPiece& piece, const TensorSpec& spec) {
    std::vector<std::string_view> names;
    for (const Storage storage : spec.allowed) names.push_back(name_of(storage));
    faults_.add(fmt::format("tensor {} has type {}, expected {}", described(piece), name_of(piece.tensor->dtype),
                            fmt::join(names, " or ")));
  }

  bool has_shape(const TensorPiece& piece, const std::vector<std::int64_t>& expected) {
    if (piece.shape == expected) return true;
    faults_.add(fmt::format("tensor {} has shape {}, expected {}", described(piece), shape_text(piece.shape),
                            shape_text(expected)));
    return false;
  }

  const TensorPiece* bind_scale(const std::string& name, Storage storage, const std::vector<std::int64_t>& expected) {
    const TensorPiece* scale = take(name);
    if (scale == nullptr) {
      missing(name, "F8_E8M0", expected);
      return nullptr;
    }
    const DType dtype = scale->tensor->dtype;
    const bool float_scale = storage == Storage::fp8_block && dtype == DType::f32;
    if (dtype != DType::f8_e8m0 && !float_scale) {
      faults_.add(fmt::format("tensor {} has type {}, expected {}", described(*scale), name_of(dtype),
                              storage == Storage::fp8_block ? "F8_E8M0 or F32" : "F8_E8M0"));
      return nullptr;
    }
    return has_shape(*scale, expected) ? scale : nullptr;
  }

  const TensorPieces& pieces_;
  FaultList& faults_;
  std::unordered_set<const TensorPiece*> taken_;
};

}  // namespace

std::vector<TensorBinding> bind_tensors(const std::vector<TensorSpec>& table, const TensorPieces& pieces,
                                        FaultList& faults) {
  Binder binder(pieces, faults);
  std::vector<TensorBinding> bindings;
  bindings.reserve(table.size());
  for (const TensorSpec& spec : table)
    if (const std::optional<TensorBinding> binding = binder.bind(spec)) bindings.push_back(*binding);
  binder.report_unexpected();
  return bindings;
}

}  // namespace fathom
