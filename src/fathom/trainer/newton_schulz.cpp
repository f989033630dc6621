#include "fathom/trainer/newton_schulz.h"

#include <torch/torch.h>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

struct Polynomial {
  int steps;
  double a, b, c;
};

// Eight steps that grow small singular values fast and leave them between 0.68 and 1.13, then two whose fixed point 1
// attracts quadratically.
constexpr Polynomial kHybrid[] = {{8, 3.4445, -4.7750, 2.0315}, {2, 2.0, -1.5, 0.5}};
constexpr double kLeastNorm = 1e-30;  // a matrix of zeros stays one

}  // namespace

// M <- M / |M|_F, then in each step M <- a M + b (M M^T) M + c (M M^T)^2 M.
torch::Tensor orthogonalize(const torch::Tensor& matrices) {
  check_equal(matrices.dim(), std::int64_t{3}, "matrices to orthogonalize are [count, out, in]");
  const bool tall = matrices.size(1) > matrices.size(2);
  torch::Tensor result = tall ? matrices.transpose(1, 2) : matrices;  // the Gram matrix is of the small side
  result = result / matrices.flatten(1).norm(2, 1).clamp_min(kLeastNorm).view({-1, 1, 1});
  if (matrices.is_cuda()) result = result.to(torch::kBFloat16);
  for (const Polynomial& polynomial : kHybrid) {
    for (int step = 0; step < polynomial.steps; ++step) {
      const torch::Tensor gram = torch::bmm(result, result.transpose(1, 2));
      const torch::Tensor factor = torch::baddbmm(gram, gram, gram, polynomial.b, polynomial.c);
      result = torch::baddbmm(result, factor, result, polynomial.a, 1.0);
    }
  }
  return (tall ? result.transpose(1, 2).contiguous() : result).to(matrices.scalar_type());
}

}  // namespace fathom::train
