// NVIDIA's own product, found at run time: what a machine can do, measured beside ours.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <memory>

namespace fathom::cuda {

class LibraryProduct {
 public:
  LibraryProduct();
  ~LibraryProduct();
  LibraryProduct(const LibraryProduct&) = delete;
  LibraryProduct& operator=(const LibraryProduct&) = delete;

  bool exists() const { return handle_ != nullptr; }
  // out[n, m] (bfloat16) = a[m, k] * b[n, k], both CUDA_R_8F_E4M3 or CUDA_R_16BF; false when the library refuses.
  struct Shape {
    std::int64_t m;
    std::int64_t n;
    std::int64_t k;
    cudaDataType type;
  };
  bool prepare(const Shape& shape);
  bool run(const void* a, const void* b, void* out, cudaStream_t stream);

 private:
  struct Functions;
  void forget();

  std::unique_ptr<Functions> functions_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t layouts_[3] = {nullptr, nullptr, nullptr};
  cublasLtMatmulHeuristicResult_t best_ = {};
  void* workspace_ = nullptr;
  float* one_ = nullptr;
};

}  // namespace fathom::cuda
