#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

void CudaLauncher::do_linear(const LinearArgs& args) {
  launch_product({.weight = plain(args.weight).weight(),
                  .x = args.x.data(),
                  .out = args.out.data(),
                  .rows = args.x.extent(0),
                  .groups = 1,
                  .outputs = args.weight.out},
                 device_.stream());
  device_.check_launch("linear");
}

void CudaLauncher::do_grouped_linear(const GroupedLinearArgs& args) {
  const std::int64_t groups = args.x.extent(1);
  launch_product({.weight = plain(args.weight).weight(),
                  .x = args.x.data(),
                  .out = args.out.data(),
                  .rows = args.x.extent(0),
                  .groups = groups,
                  .outputs = args.weight.out / groups},
                 device_.stream());
  device_.check_launch("grouped_linear");
}

}  // namespace fathom::cuda
