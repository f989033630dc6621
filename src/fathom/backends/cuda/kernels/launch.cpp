#include <cuda_runtime.h>

#include <array>

#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr unsigned kSharedForAll = 48 * 1024;  // bytes that a block has without asking

}  // namespace

void launch_now(const KernelCall& call, CUstream_st* stream) {
  std::array<void*, 8> arguments = {};
  check(call.arguments.size() <= arguments.size(), "a kernel has few arguments");
  for (std::size_t index = 0; index < call.arguments.size(); ++index)
    arguments[index] = const_cast<std::byte*>(call.arguments[index].data());
  if (call.shape.shared_bytes > kSharedForAll) {
    cudaFuncAttributes had = {};
    cuda_check(cudaFuncGetAttributes(&had, call.kernel), call.name);
    if (static_cast<int>(call.shape.shared_bytes) > had.maxDynamicSharedSizeBytes)
      cuda_check(cudaFuncSetAttribute(call.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(call.shape.shared_bytes)),
                 call.name);
  }
  std::array<cudaLaunchAttribute, 4> attributes = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(call.shape.blocks.x, call.shape.blocks.y, call.shape.blocks.z);
  config.blockDim = dim3(call.shape.threads);
  config.dynamicSmemBytes = call.shape.shared_bytes;
  config.stream = stream;
  config.attrs = attributes.data();
  if (call.shape.cluster > kPortableCluster)
    cuda_check(cudaFuncSetAttribute(call.kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1), call.name);
  if (call.shape.cluster > 1) {
    attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[config.numAttrs].val.clusterDim.x = call.shape.cluster;
    attributes[config.numAttrs].val.clusterDim.y = 1;
    attributes[config.numAttrs++].val.clusterDim.z = 1;
  }
  if (call.shape.together) {
    attributes[config.numAttrs].id = cudaLaunchAttributeCooperative;
    attributes[config.numAttrs++].val.cooperative = 1;
  }
  if (call.shape.chained) {
    attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    // A multiprocessor divides its memory into cache and shared memory anew only when no block is left on it: a product
    // would begin on none that has a kernel of little shared memory before that has ended. So all that are chained ask
    // for the same.
#if CUDART_VERSION >= 13000  // which knows the attribute
    attributes[config.numAttrs].id = cudaLaunchAttributePreferredSharedMemoryCarveout;
    attributes[config.numAttrs++].val.sharedMemCarveout = cudaSharedmemCarveoutMaxShared;
#endif
  }
  cuda_check(cudaLaunchKernelExC(&config, call.kernel, arguments.data()), call.name);
}

}  // namespace fathom::cuda
