#include "fathom/backends/cuda/kernels/shortlist.h"

#include "fathom/backends/cuda/launch/cuda_launcher.h"
#include "fathom/base/error.h"

namespace fathom::cuda {

bool CudaLauncher::shortlist(const ShortlistArgs& args) {
  if (!options_.shortlists) return false;
  const std::int64_t rows = args.logits.extent(0);
  check_equal(std::ssize(args.rows), rows, "rows of a shortlist");
  check_equal(std::ssize(args.out), rows, "shortlists");
  if (rows == 0 || args.ids == 0) return true;
  const Arena::Scope scope(scratch_);
  ShortlistKernel kernel = {.logits = args.logits.data(),
                            .rows = staged_.stage(args.rows),
                            .parts = nullptr,
                            .out = nullptr,
                            .row_stride = args.logits.extent(1),
                            .count = rows,
                            .ids = args.ids};
  const auto piece = [&]<typename T>(T*& to, std::int64_t count) {
    to = reinterpret_cast<T*>(workspace(count * static_cast<std::int64_t>(sizeof(T))));
  };
  piece(kernel.parts, rows * kernel.parts_of_row());
  piece(kernel.out, rows);
  launch_shortlist(kernel, device_.stream());
  device_.check_launch("shortlist");
  download(reinterpret_cast<const std::byte*>(kernel.out), std::as_writable_bytes(args.out));
  return true;
}

}  // namespace fathom::cuda
