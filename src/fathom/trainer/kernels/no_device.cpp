// A build without CUDA: no tensor is taken, and nothing else is reached.
#include "fathom/base/error.h"
#include "fathom/trainer/kernels/device.h"

namespace fathom::train::device {
namespace {

using torch::Tensor;

[[noreturn]] void absent() { throw InternalError("[trainer] this build has no CUDA kernels"); }

}  // namespace

bool takes(const Tensor& /*x*/) { return false; }
Tensor sinkhorn(const Tensor&, std::int64_t, double) { absent(); }
Tensor sinkhorn_backward(const Tensor&, const Tensor&, std::int64_t, double) { absent(); }
Tensor expand(const Tensor&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
ExpandGradients expand_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
Tensor collapse(const Tensor&, const Tensor&) { absent(); }
CollapseGradients collapse_backward(const Tensor&, const Tensor&, const Tensor&) { absent(); }
Normed norm(const Tensor&, const Tensor&, double) { absent(); }
NormGradients norm_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
Tensor rotate(const Tensor&, const Tensor&, bool) { absent(); }
Tensor swiglu(const Tensor&, const Tensor&, const Tensor&, double) { absent(); }
SwigluGradients swiglu_backward(const Tensor&, const Tensor&, const Tensor&, double, const Tensor&) { absent(); }

}  // namespace fathom::train::device
