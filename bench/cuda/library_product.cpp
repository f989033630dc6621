#include "bench/cuda/library_product.h"

#include <dlfcn.h>

namespace fathom::cuda {
namespace {

constexpr std::size_t kWorkspace = 64 << 20;

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

struct LibraryProduct::Functions {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmulDescCreate) product_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) product_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) product_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmul) multiply = nullptr;
};

LibraryProduct::LibraryProduct() : functions_(std::make_unique<Functions>()) {
  void* library = dlopen("libcublasLt.so.13", RTLD_NOW);
  if (library == nullptr) return;
  Functions& f = *functions_;
  find(library, "cublasLtCreate", f.create);
  find(library, "cublasLtMatmulDescCreate", f.product_create);
  find(library, "cublasLtMatmulDescDestroy", f.product_destroy);
  find(library, "cublasLtMatmulDescSetAttribute", f.product_set);
  find(library, "cublasLtMatrixLayoutCreate", f.layout_create);
  find(library, "cublasLtMatrixLayoutDestroy", f.layout_destroy);
  find(library, "cublasLtMatmulPreferenceCreate", f.preference_create);
  find(library, "cublasLtMatmulPreferenceSetAttribute", f.preference_set);
  find(library, "cublasLtMatmulPreferenceDestroy", f.preference_destroy);
  find(library, "cublasLtMatmulAlgoGetHeuristic", f.heuristic);
  find(library, "cublasLtMatmul", f.multiply);
  if (f.create(&handle_) != CUBLAS_STATUS_SUCCESS) handle_ = nullptr;
  cudaMalloc(&workspace_, kWorkspace);
  const float one = 1.0F;
  cudaMalloc(reinterpret_cast<void**>(&one_), sizeof(one));
  cudaMemcpy(one_, &one, sizeof(one), cudaMemcpyHostToDevice);
}

LibraryProduct::~LibraryProduct() {
  forget();
  cudaFree(workspace_);
  cudaFree(one_);
}

void LibraryProduct::forget() {
  if (product_ != nullptr) functions_->product_destroy(product_);
  product_ = nullptr;
  for (auto& layout : layouts_) {
    if (layout != nullptr) functions_->layout_destroy(layout);
    layout = nullptr;
  }
}

bool LibraryProduct::prepare(const Shape& shape) {
  if (!exists()) return false;
  forget();
  const Functions& f = *functions_;
  f.product_create(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  f.product_set(product_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed));
  if (shape.type == CUDA_R_8F_E4M3) {
    f.product_set(product_, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &one_, sizeof(one_));
    f.product_set(product_, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &one_, sizeof(one_));
  }
  f.layout_create(&layouts_[0], shape.type, shape.k, shape.m, shape.k);
  f.layout_create(&layouts_[1], shape.type, shape.k, shape.n, shape.k);
  f.layout_create(&layouts_[2], CUDA_R_16BF, shape.m, shape.n, shape.m);
  cublasLtMatmulPreference_t preference = nullptr;
  f.preference_create(&preference);
  f.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace, sizeof(kWorkspace));
  int found = 0;
  const cublasStatus_t status =
      f.heuristic(handle_, product_, layouts_[0], layouts_[1], layouts_[2], layouts_[2], preference, 1, &best_, &found);
  f.preference_destroy(preference);
  return status == CUBLAS_STATUS_SUCCESS && found > 0;
}

bool LibraryProduct::run(const void* a, const void* b, void* out, cudaStream_t stream) {
  const float one = 1.0F;
  const float zero = 0.0F;
  return functions_->multiply(handle_, product_, &one, a, layouts_[0], b, layouts_[1], &zero, out, layouts_[2], out,
                              layouts_[2], &best_.algo, workspace_, kWorkspace, stream) == CUBLAS_STATUS_SUCCESS;
}

}  // namespace fathom::cuda
