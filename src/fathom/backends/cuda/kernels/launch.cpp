#include <cuda_runtime.h>

#include <array>
#include <string_view>

#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr unsigned kSharedForAll = 48 * 1024;  // bytes that a block has without asking

// Never less than it was granted before: others may launch the kernel with more.
void ask_for_shared(const void* kernel, unsigned bytes, std::string_view name) {
  if (bytes <= kSharedForAll) return;
  cudaFuncAttributes had = {};
  cuda_check(cudaFuncGetAttributes(&had, kernel), name);
  if (static_cast<int>(bytes) > had.maxDynamicSharedSizeBytes)
    cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
               name);
}

void ask_for_cluster(const void* kernel, unsigned cluster, std::string_view name) {
  if (cluster > kPortableCluster)
    cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1), name);
}

cudaLaunchAttribute cluster_of(unsigned cluster) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {cluster, 1, 1};
  return attribute;
}

}  // namespace

int clusters_with_room(const void* kernel, const LaunchShape& shape) {
  constexpr std::string_view kWhat = "room of clusters";
  ask_for_shared(kernel, shape.shared_bytes, kWhat);
  ask_for_cluster(kernel, shape.cluster, kWhat);
  cudaLaunchAttribute attribute = cluster_of(shape.cluster);
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(shape.cluster);
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.attrs = &attribute;
  config.numAttrs = 1;
  int count = 0;
  if (cudaOccupancyMaxActiveClusters(&count, kernel, &config) == cudaSuccess) return count;
  cudaGetLastError();  // forgotten
  return -1;
}

void launch_now(const KernelCall& call, CUstream_st* stream) {
  std::array<void*, 8> arguments = {};
  check(call.arguments.size() <= arguments.size(), "a kernel has few arguments");
  for (std::size_t index = 0; index < call.arguments.size(); ++index)
    arguments[index] = const_cast<std::byte*>(call.arguments[index].data());
  ask_for_shared(call.kernel, call.shape.shared_bytes, call.name);
  std::array<cudaLaunchAttribute, 4> attributes = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(call.shape.blocks.x, call.shape.blocks.y, call.shape.blocks.z);
  config.blockDim = dim3(call.shape.threads);
  config.dynamicSmemBytes = call.shape.shared_bytes;
  config.stream = stream;
  config.attrs = attributes.data();
  ask_for_cluster(call.kernel, call.shape.cluster, call.name);
  if (call.shape.cluster > 1) attributes[config.numAttrs++] = cluster_of(call.shape.cluster);
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
