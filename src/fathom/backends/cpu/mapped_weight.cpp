#include "fathom/backends/cpu/mapped_weight.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "fathom/backends/cpu/packed_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

// The system reads no more ahead for one request than its device takes at once, half a MiB on common ones.
constexpr std::uintptr_t kRequest = std::uintptr_t{1} << 19;

void ask_for(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data()) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size();
  for (std::uintptr_t from = first; from < last; from += kRequest)             // a wish: it may be refused
    ::madvise(reinterpret_cast<void*>(from), std::min(kRequest, last - from),  // NOLINT(performance-no-int-to-ptr)
              MADV_WILLNEED);
}

}  // namespace

bool MappedWeight::fits(const WeightView& weight) {
  return kPieceOutputs % weight.scale_rows == 0 || weight.scale_rows % kPieceOutputs == 0;
}

MappedWeight::MappedWeight(const WeightView& weight) : PreparedWeight(weight.out, weight.in), view_(weight) {
  check_weight(weight);
}

void MappedWeight::will_need() const {
  ask_for(view_.data);
  ask_for(view_.scale);
}

}  // namespace fathom
