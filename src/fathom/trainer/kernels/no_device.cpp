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
void attention_softmax(const AttentionScores&, Tensor&) { absent(); }
Tensor attention_softmax_backward(const AttentionScores&, const Tensor&, Tensor&) { absent(); }
Pooled pool(const PoolBlocks&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
PoolGradients pool_backward(const PoolBlocks&, const Tensor&, const Tensor&, const Tensor&, const Pooled&,
                            const Tensor&) {
  absent();
}
bool takes_index(const Tensor&, std::int64_t) { return false; }
Tensor index_scores(const Tensor&, const Tensor&) { absent(); }
void index_choose(const Tensor&, std::int64_t, Tensor&) { absent(); }
IndexComparison index_compare(const Tensor&, const Tensor&, const Tensor&, double) { absent(); }
Tensor index_back(const Tensor&, const Tensor&, Tensor&) { absent(); }
Gated gates(const GateRule&, const Tensor&, const Tensor&, const Tensor&, const Tensor&) { absent(); }
GateGradients gates_backward(const GateRule&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                             const GateChanges&) {
  absent();
}
void gates_finish(const Tensor&, const Tensor&, const Tensor&, const Tensor&, Tensor&) { absent(); }
Tensor cross_entropy(const Tensor&, const Tensor&, Tensor&) { absent(); }
bool takes_rounding(const Tensor&, std::int64_t) { return false; }
void round_fp4(const Tensor&, Tensor&) { absent(); }
void round_fp8(const Tensor&, Tensor&) { absent(); }
Tensor round_entries(const Tensor&, std::int64_t) { absent(); }
Tensor round_index(const Tensor&, bool) { absent(); }
void use_own_stream(torch::Device) {}
void keep_until_used(const Tensor&) {}

struct Graph::Recording {};
Graph::Graph() = default;
Graph::~Graph() = default;
bool Graph::can_record(torch::Device) { return false; }
void Graph::record(const std::function<void()>&) { absent(); }
void Graph::replay() { absent(); }

}  // namespace fathom::train::device
