#include "fathom/checkpoint/tensor_pieces.h"

#include <fmt/format.h>

#include "fathom/checkpoint/released_names.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

class Gatherer {
 public:
  Gatherer(const ModelConfig& config, FaultList& faults) : config_(config), faults_(faults) {}

  void add(const SafetensorsFile& file, const SafetensorsTensor& tensor) {
    const ReleasedName released = released_name(tensor.name);
    if (released.stack != Stack::none) {
      add_stack(file, tensor, released);
    } else {
      add_piece(released.name, {.file = &file, .tensor = &tensor, .shape = tensor.shape, .bytes = tensor.bytes});
    }
  }

  TensorPieces take() { return std::move(pieces_); }

 private:
  void fault(const SafetensorsFile& file, const SafetensorsTensor& tensor, std::string_view what) {
    faults_.add(
        fmt::format("tensor {} in {} {}", printable(tensor.name), printable(file.path().filename().string()), what));
  }

  void add_piece(std::string name, const TensorPiece& piece) {
    const auto [earlier, first] = pieces_.emplace(std::move(name), piece);
    if (first) return;
    fault(*piece.file, *piece.tensor,
          fmt::format("is a second {}, expected one: the first is {} in {}", printable(earlier->first),
                      printable(earlier->second.tensor->name),
                      printable(earlier->second.file->path().filename().string())));
  }

  // [experts, rows, columns], cut into experts, and gate_up into an upper half w1 and a lower half w3.
  void add_stack(const SafetensorsFile& file, const SafetensorsTensor& tensor, const ReleasedName& released) {
    const std::int64_t halves = released.stack == Stack::gate_up ? 2 : 1;
    if (tensor.shape.size() != 3 || tensor.shape[0] != config_.experts || tensor.shape[1] % halves != 0 ||
        tensor.bytes.empty())
      return fault(file, tensor,
                   fmt::format("has shape {}, expected [{}, {}, columns]", shape_text(tensor.shape), config_.experts,
                               halves == 2 ? "2 * rows" : "rows"));
    const std::int64_t rows = tensor.shape[1] / halves;
    // One FP8 scale would span the last rows of w1 and the first of w3.
    const bool shared_block = released.scale && halves == 2 && rows != config_.expert_dim;
    if (shared_block && config_.expert_dim % kFp8Block != 0)
      return fault(
          file, tensor,
          fmt::format("has scales for {} rows at a time, expected experts of a multiple of that, not {}: w1 and "
                      "w3 share a scale",
                      kFp8Block, config_.expert_dim));
    const std::size_t piece_bytes = tensor.bytes.size() / static_cast<std::size_t>(config_.experts * halves);
    for (std::int64_t part = 0; part < config_.experts * halves; ++part) {
      const std::string_view map = halves == 1 ? "w2" : part % 2 == 0 ? "w1" : "w3";
      add_piece(fmt::format("{}{}.{}.{}", released.name, part / halves, map, released.scale ? "scale" : "weight"),
                {.file = &file,
                 .tensor = &tensor,
                 .shape = {rows, tensor.shape[2]},
                 .bytes = tensor.bytes.subspan(static_cast<std::size_t>(part) * piece_bytes, piece_bytes)});
    }
  }

  const ModelConfig& config_;
  FaultList& faults_;
  TensorPieces pieces_;
};

}  // namespace

TensorPieces gather_pieces(const std::vector<SafetensorsFile>& files, const ModelConfig& config, FaultList& faults) {
  Gatherer gatherer(config, faults);
  for (const SafetensorsFile& file : files)
    for (const SafetensorsTensor& tensor : file.tensors()) gatherer.add(file, tensor);
  return gatherer.take();
}

}  // namespace fathom
