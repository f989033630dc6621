// Weights as they come to the device, and tables of them.
#include "fathom/backends/cuda/launch/cuda_launcher.h"
#include "fathom/backends/cuda/launch/stored_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kMostStored = std::int64_t{64} << 20;

}  // namespace

PlainWeight::PlainWeight(const WeightView& view, const Device& device, Allocator& memory, std::int64_t serial,
                         ProductMethod method)
    : PreparedWeight(view.out, view.in), memory_(memory, stored_bytes(view)), serial_(serial), method_(method) {
  check_weight(view);
  const WeightView stored = store_weight(view, device, memory_.data());
  device.synchronize();
  weight_ = {.format = view.format,
             .scaled = !view.scale.empty(),
             .float_scales = view.scale_dtype == DType::f32,
             .data = stored.data.data(),
             .scale = stored.scale.data(),
             .out = view.out,
             .in = view.in,
             .scale_rows = view.scale_rows,
             .scale_columns = view.scale_columns};
}

const PlainWeight& plain(const PreparedWeight& weight) {
  const auto* ours = dynamic_cast<const PlainWeight*>(&weight);
  check(ours != nullptr, "a weight was prepared by the cuda backend");
  return *ours;
}

std::unique_ptr<PreparedWeight> CudaLauncher::prepare(const WeightView& weight) {
  const ProductMethod method = options_.products == CudaProducts::plain
                                   ? ProductMethod::plain
                                   : product_method(weight, product_device_.capability, options_.tensor_core_inputs);
  if (method != ProductMethod::tensor_cores)
    return std::make_unique<PlainWeight>(weight, device_, weight_memory_, weights_prepared_++, method);
  const std::int64_t bytes = stored_bytes(weight);
  const auto through = [&](const Memory& memory) {
    return std::make_unique<TiledWeight>(weight, device_, experts_.memory_for(weight), memory.data(),
                                         weights_prepared_++);
  };
  // Such as a head, when experts have all the room: kernels read it over the bus, once.
  if (bytes > kMostStored) return through(Memory(pinned_memory_, bytes));
  if (bytes > stored_.bytes()) stored_ = Memory(memory_, bytes);
  return through(stored_);
}

std::unique_ptr<PreparedWeight> CudaLauncher::prepare_table(const WeightView& weight) {
  return std::make_unique<PlainWeight>(weight, device_, experts_.memory_for_table(stored_bytes(weight)),
                                       weights_prepared_++);
}

void CudaLauncher::do_embed(const EmbedArgs& args) {
  const auto [tokens, streams, channels] = args.streams.shape();
  if (args.streams.empty()) return;
  launch_embed({.table = plain(args.table).weight(),
                .ids = staged_.stage(args.ids),
                .streams = args.streams.data(),
                .tokens = tokens,
                .stream_count = streams},
               device_.stream());
  device_.check_launch("embed");
}

}  // namespace fathom::cuda
