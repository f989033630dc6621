#include "fathom/apps/backend_choice.h"

#include <CLI/CLI.hpp>

#include "fathom/apps/free_memory.h"
#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/backends/reference/reference_backend.h"

namespace fathom {

void add_device_options(CLI::App& command, BackendChoice& choice) {
  command.add_option("--backend", choice.name, "cpu (vector kernels) or reference (plain loops, slow)")
      ->check(CLI::IsMember({"cpu", "reference"}))
      ->envname("FATHOM_BACKEND")
      ->capture_default_str();
  command
      .add_option("--device", choice.device,
                  "where to compute: cpu, cuda, or auto (cuda where there is a GPU, else cpu)")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->envname("FATHOM_DEVICE")
      ->capture_default_str();
  command
      .add_option("--cuda-products", choice.cuda_products,
                  "how a GPU multiplies: float32 (tensor cores), fp8 (faster, activations rounded to FP8) or plain (in "
                  "the released order of sums, slow)")
      ->check(CLI::IsMember({"plain", "float32", "fp8"}))
      ->envname("FATHOM_CUDA_PRODUCTS")
      ->capture_default_str();
  command
      .add_option(
          "--cuda-least-inputs", choice.cuda_least_inputs,
          "shorter sums than this keep the released order, and the goldens of small models; 1: none does, which "
          "is faster")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->envname("FATHOM_CUDA_LEAST_INPUTS")
      ->capture_default_str();
  command
      .add_option("--cpu-target", choice.cpu_target,
                  "instruction set of the vector kernels, of those that `fathom --version` names; the same bits")
      ->envname("FATHOM_CPU_TARGET")
      ->capture_default_str();
  command.add_flag("--pin", choice.pin, "keep every compute thread on a processor of its own")->envname("FATHOM_PIN");
  command
      .add_option("--experts", choice.experts,
                  "packed in memory, mapped (used where the checkpoint has them, through the page cache), or auto: "
                  "mapped where the weights do not fit into free memory; the same bits")
      ->check(CLI::IsMember({"auto", "packed", "mapped"}))
      ->envname("FATHOM_EXPERTS")
      ->capture_default_str();
  command
      .add_option(
          "--head-sketch", choice.head_sketch,
          "keep the head in one byte a weight too, so that a decoded token reads three eighths of it; the same tokens")
      ->check(CLI::IsMember({"on", "off"}))
      ->envname("FATHOM_HEAD_SKETCH")
      ->capture_default_str();
  command.add_option("--cuda-graphs", choice.cuda_graphs, "launch steps that are alike as CUDA graphs; the same bits")
      ->envname("FATHOM_CUDA_GRAPHS")
      ->capture_default_str();
  command
      .add_option(
          "--cuda-shortlists", choice.cuda_shortlists,
          "find the few tokens that sampling is about on the GPU, instead of fetching all logits; the same tokens")
      ->capture_default_str()
      ->envname("FATHOM_CUDA_SHORTLISTS");
  command
      .add_option("--cuda-lone-experts", choice.cuda_lone_experts,
                  "with fp8 on Hopper, a lone token's experts in one launch: faster, the same bits")
      ->capture_default_str()
      ->envname("FATHOM_CUDA_LONE_EXPERTS");
  command
      .add_option(
          "--gpu-megabytes", choice.gpu_megabytes,
          "of the GPU's memory, for weights; experts beyond them stay in this machine's memory and are read over "
          "the bus, the same bits (0: what caches and a step leave)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 30))
      ->envname("FATHOM_GPU_MEGABYTES")
      ->capture_default_str();
}

void add_backend_options(CLI::App& command, BackendChoice& choice) {
  add_device_options(command, choice);
  command.add_option("--threads", choice.threads, "compute threads; 0: as many as this process may run at a time")
      ->check(CLI::Range(0, 1024))
      ->envname("FATHOM_THREADS")
      ->capture_default_str();
}

bool is_on_gpu(const BackendChoice& choice) {
  return choice.device == "cuda" || (choice.device == "auto" && choice.name == "cpu" && cuda_obstacle({}).empty());
}

bool maps_experts(const BackendChoice& choice, std::int64_t weight_bytes, std::int64_t free_bytes) {
  if (choice.experts != "auto") return choice.experts == "mapped";
  // A tenth is left for caches and scratch memory. What is free is not known everywhere.
  return free_bytes > 0 && weight_bytes > free_bytes / 10 * 9;
}

std::unique_ptr<Backend> make_backend(const BackendChoice& choice, std::int64_t weight_bytes) {
  if (is_on_gpu(choice)) {
    if (choice.name == "reference") throw InputError("[device] the reference backend computes on the cpu, not on cuda");
    return make_cuda_backend({.products = choice.cuda_products == "fp8"     ? CudaProducts::fp8
                                          : choice.cuda_products == "plain" ? CudaProducts::plain
                                                                            : CudaProducts::float32,
                              .tensor_core_inputs = choice.cuda_least_inputs,
                              .graphs = choice.cuda_graphs,
                              .shortlists = choice.cuda_shortlists,
                              .lone_experts = choice.cuda_lone_experts,
                              .weight_bytes = choice.gpu_megabytes << 20,
                              .kept_bytes = choice.gpu_kept_bytes,
                              .alone = choice.gpu_alone});
  }
  if (choice.name == "reference") return std::make_unique<ReferenceBackend>();
  use_instruction_set(choice.cpu_target);
  return std::make_unique<CpuBackend>(
      CpuOptions{.threads = choice.threads,
                 .pin = choice.pin,
                 .mapped_experts = maps_experts(choice, weight_bytes, free_memory_bytes()),
                 .head_sketch = choice.head_sketch == "on"});
}

}  // namespace fathom
