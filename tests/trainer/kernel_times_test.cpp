#include "fathom/trainer/kernel_times.h"

#include <gtest/gtest.h>
#include <torch/torch.h>
#include <torch/version.h>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

TEST(KernelTimes, AreOfWhatRanOrNotToBeHad) {
  const auto work = [] {
    const torch::Tensor x = torch::ones({64, 64}, torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
    torch::mm(x, x).sum().item<float>();
  };
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  const auto times = kernel_times(work);
  EXPECT_EQ(times.empty(), !torch::cuda::is_available());
  for (std::size_t place = 1; place < times.size(); ++place)
    EXPECT_LE(times[place].seconds, times[place - 1].seconds) << times[place].name;
#else
  EXPECT_THROW(kernel_times(work), InputError);
#endif
}

}  // namespace
}  // namespace fathom::train
