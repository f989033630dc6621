// Products on this machine's GPU: for every shape and number of rows microseconds, GB/s and TFLOP/s, beside the copy
// bandwidth and the library's FP8 and BF16 products measured in the same run. CSV on standard output.
//
//   products_bench [word [rows]]   shapes whose name contains the word, from so many rows on; times are medians over
//                                  replays of a CUDA graph whose launches go through more weights than the cache holds
#include <cuda_bf16.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "bench/cuda/library_product.h"
#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/products.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kBeyondCache = std::int64_t{256} << 20;
constexpr int kReplays = 5;

__device__ std::uint32_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<std::uint32_t>(value >> 32);
}
enum class Fill { codes, scales, bf16, f32, ids };
__global__ void fill(std::uint8_t* bytes, std::int64_t count, Fill kind, std::uint64_t seed, int limit) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const std::uint32_t random = mixed(seed * 0x9e3779b97f4a7c15ULL + index);
  const float normal = (static_cast<float>(random & 0xffff) + static_cast<float>(random >> 16)) / 32768.0F - 2.0F;
  if (kind == Fill::codes) bytes[index] = (random & 0x7f) == 0x7f ? 0x11 : random & 0xff;
  if (kind == Fill::scales) bytes[index] = 118 + random % 4;
  if (kind == Fill::bf16) reinterpret_cast<__nv_bfloat16*>(bytes)[index] = __float2bfloat16(normal);
  if (kind == Fill::f32) reinterpret_cast<float*>(bytes)[index] = normal;
  if (kind == Fill::ids) reinterpret_cast<int*>(bytes)[index] = random % limit;
}

__global__ void copy_words(const uint4* from, uint4* to, std::int64_t count) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; index + 3 * step < count; index += 4 * step) {
    const uint4 words[4] = {from[index], from[index + step], from[index + 2 * step], from[index + 3 * step]};
    for (int word = 0; word < 4; ++word) to[index + word * step] = words[word];
  }
  for (; index < count; index += step) to[index] = from[index];
}

class Memory {
 public:
  explicit Memory(std::int64_t bytes) {
    cuda_check(cudaMalloc(&memory_, std::max<std::int64_t>(bytes, 16)), "cudaMalloc");
  }
  Memory(std::int64_t count, int size, Fill kind, int limit = 1) : Memory(count * size) {
    fill<<<static_cast<unsigned>((count + 255) / 256), 256>>>(bytes(), count, kind, ++seed_, limit);
    cuda_check(cudaDeviceSynchronize(), "fill");
  }
  ~Memory() { cudaFree(memory_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(memory_); }
  float* floats() const { return static_cast<float*>(memory_); }

 private:
  static inline std::uint64_t seed_ = 0;
  void* memory_ = nullptr;
};

// Median microseconds of one of `count` launches in a graph.
float time_of(int count, const std::function<void(int, cudaStream_t)>& launch) {
  cudaStream_t stream = nullptr;
  cuda_check(cudaStreamCreate(&stream), "cudaStreamCreate");
  cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  for (int index = 0; index < count; ++index) launch(index, stream);
  cudaGraph_t graph = nullptr;
  cuda_check(cudaStreamEndCapture(stream, &graph), "end of capture");
  cudaGraphExec_t replay = nullptr;
  cuda_check(cudaGraphInstantiate(&replay, graph, 0), "cudaGraphInstantiate");
  cudaEvent_t from = nullptr;
  cudaEvent_t to = nullptr;
  cudaEventCreate(&from);
  cudaEventCreate(&to);
  std::vector<float> times;
  for (int round = 0; round <= kReplays; ++round) {
    cudaEventRecord(from, stream);
    cuda_check(cudaGraphLaunch(replay, stream), "cudaGraphLaunch");
    cudaEventRecord(to, stream);
    cuda_check(cudaStreamSynchronize(stream), "replay");
    float milliseconds = 0.0F;
    cudaEventElapsedTime(&milliseconds, from, to);
    if (round > 0) times.push_back(1000.0F * milliseconds / static_cast<float>(count));
  }
  cudaEventDestroy(from);
  cudaEventDestroy(to);
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

struct Dense {
  const char* name;
  WeightFormat format;
  std::int64_t out;
  std::int64_t in;
  int groups = 1;
};

constexpr Dense kDense[] = {
    {"flash.wq_a", WeightFormat::fp8_block, 1024, 4096},      {"flash.wq_b", WeightFormat::fp8_block, 32768, 1024},
    {"flash.wkv", WeightFormat::fp8_block, 512, 4096},        {"flash.wo_a", WeightFormat::fp8_block, 8192, 4096, 8},
    {"flash.wo_b", WeightFormat::fp8_block, 4096, 8192},      {"flash.shared_w1", WeightFormat::fp8_block, 2048, 4096},
    {"flash.shared_w2", WeightFormat::fp8_block, 4096, 2048}, {"flash.compressor", WeightFormat::bf16, 1024, 4096},
    {"flash.router", WeightFormat::bf16, 256, 4096},          {"flash.hc_fn", WeightFormat::f32, 24, 16384},
    {"flash.head", WeightFormat::bf16, 129280, 4096},         {"pro.wq_b", WeightFormat::fp8_block, 65536, 1536},
    {"pro.wo_b", WeightFormat::fp8_block, 7168, 16384},       {"minnow.wq_b", WeightFormat::fp8_block, 1024, 128},
};
constexpr std::int64_t kRows[] = {1, 2, 4, 8, 16, 64, 256, 2048, 8192};

class Bench {
 public:
  Bench(std::string word, std::int64_t fewest_rows)
      : word_(std::move(word)), fewest_rows_(fewest_rows), device_(product_device(0)) {}

  void run() {
    measure_copy();
    measure_library_peak();
    std::printf("shape,activations,rows,us,GB/s,of_copy,TFLOP/s,of_fp8_peak,pack_us,library_fp8_us,library_bf16_us\n");
    for (const Dense& shape : kDense)
      if (wanted(shape.name)) measure(shape);
    if (wanted("flash.experts")) measure_experts("flash.experts", 256, 4096, 2048);
    if (wanted("pro.experts")) measure_experts("pro.experts", 96, 7168, 3072);
  }

 private:
  bool wanted(const std::string& name) const { return name.find(word_) != std::string::npos; }

  // The best of the driver's copy and a plain kernel's; the first rounds bring the clocks up.
  void measure_copy() {
    const std::int64_t bytes = std::int64_t{4} << 30;
    const Memory from(bytes / 4, 4, Fill::f32);
    const Memory to(bytes);
    const auto kernel = [&](int, cudaStream_t stream) {
      copy_words<<<132 * 16, 512, 0, stream>>>(reinterpret_cast<const uint4*>(from.bytes()),
                                               reinterpret_cast<uint4*>(to.bytes()), bytes / 16);
    };
    time_of(20, kernel);
    const float by_kernel = time_of(4, kernel);
    const float by_driver = time_of(4, [&](int, cudaStream_t stream) {
      cudaMemcpyAsync(to.bytes(), from.bytes(), bytes, cudaMemcpyDeviceToDevice, stream);
    });
    copy_ = 2.0 * static_cast<double>(bytes) / std::min(by_driver, by_kernel) / 1e3;
    std::printf("# copy of 4 GiB, read and written: %.0f GB/s by the driver, %.0f by a kernel\n",
                2.0 * static_cast<double>(bytes) / by_driver / 1e3, 2.0 * static_cast<double>(bytes) / by_kernel / 1e3);
  }

  float library_time(std::int64_t out, std::int64_t rows, std::int64_t in, cudaDataType type, const Memory& a,
                     std::int64_t copies) {
    const int size = type == CUDA_R_8F_E4M3 ? 1 : 2;
    if (rows < 16 && size == 1) rows = 16;  // the library wants whole sixteens
    if (!library_.prepare({out, rows, in, type})) return 0.0F;
    const Memory b(rows * in, size, size == 1 ? Fill::codes : Fill::bf16);
    const Memory to(out * rows * 2);
    return time_of(static_cast<int>(copies), [&](int index, cudaStream_t stream) {
      library_.run(a.bytes() + index % copies * out * in * size, b.bytes(), to.bytes(), stream);
    });
  }

  void measure_library_peak() {
    const std::int64_t size = 8192;
    for (const cudaDataType type : {CUDA_R_8F_E4M3, CUDA_R_16BF}) {
      const Memory a(size * size * 4, type == CUDA_R_8F_E4M3 ? 1 : 2,
                     type == CUDA_R_8F_E4M3 ? Fill::codes : Fill::bf16);
      const float us = library_time(size, size, size, type, a, 4);
      const double rate = us > 0 ? 2e-6 * static_cast<double>(size * size * size) / us : 0.0;
      std::printf("# library, 8192 cubed, %s: %.0f TFLOP/s\n", type == CUDA_R_8F_E4M3 ? "FP8" : "BF16", rate);
      if (type == CUDA_R_8F_E4M3) peak_ = rate > 0 ? rate : 1979.0;
    }
  }

  static WeightView stored(const Dense& shape, const Memory& data, const Memory& scale) {
    const std::int64_t bytes = shape.out * shape.in * (shape.format == WeightFormat::f32 ? 4 : 2);
    return {.format = shape.format,
            .out = shape.out,
            .in = shape.in,
            .data = {reinterpret_cast<const std::byte*>(data.bytes()), static_cast<std::size_t>(bytes)},
            .scale = {reinterpret_cast<const std::byte*>(scale.bytes()), 1},
            .scale_dtype = DType::f8_e8m0,
            .scale_rows = shape.format == WeightFormat::fp8_block ? 128 : 1,
            .scale_columns = shape.format == WeightFormat::fp8_block ? 128 : 32};
  }

  // `copies` prepared weights, one after the other.
  ProductWeight prepare(const Dense& shape, const Memory& tiles, std::int64_t copies) {
    const std::int64_t count = shape.out * shape.in;
    const bool f32 = shape.format == WeightFormat::f32;
    const bool bf16 = shape.format == WeightFormat::bf16;
    const Memory data(count, f32 ? 4 : bf16 ? 2 : 1, f32 ? Fill::f32 : bf16 ? Fill::bf16 : Fill::codes);
    const Memory scale(count / 32 + 1024, 1, Fill::scales);
    const WeightView view = stored(shape, data, scale);
    ProductWeight weight;
    for (std::int64_t copy = 0; copy < copies; ++copy)
      weight = prepare_product_weight(view, tiles.bytes() + copy * product_weight_bytes(view), nullptr);
    cuda_check(cudaDeviceSynchronize(), "prepare");
    return weight;
  }

  void measure(const Dense& shape) {
    const Memory none(0);
    const std::int64_t bytes = product_weight_bytes(stored(shape, none, none));
    const std::int64_t copies = std::clamp<std::int64_t>(kBeyondCache / bytes, 2, 64);
    const Memory tiles(bytes * copies);
    const ProductWeight prepared = prepare(shape, tiles, copies);
    const std::int64_t library_copies = std::clamp<std::int64_t>(kBeyondCache / (shape.out * shape.in), 2, 64);
    const Memory library_weight(shape.out * shape.in * library_copies, 2, Fill::bf16);
    for (const Activations activations : {Activations::float32, Activations::fp8}) {
      const Operand operand = product_operand(device_, activations, prepared.kind);
      if (activations == Activations::fp8 && operand == Operand::f16) continue;
      for (const std::int64_t rows : kRows) {
        if (rows < fewest_rows_ || (shape.out > 100000 && rows > 64)) continue;
        const Memory x(rows * shape.in * shape.groups, 4, Fill::f32);
        const Memory out(rows * shape.out * 4);
        const Memory workspace(packed_rows_bytes(rows, shape.in, shape.groups, operand));
        const RowsOfX of = {.x = x.floats(),
                            .rows = rows,
                            .in = shape.in,
                            .row_stride = shape.in * shape.groups,
                            .groups = shape.groups,
                            .group_stride = shape.in};
        PackedRows packed;
        const float pack_us = time_of(8, [&](int, cudaStream_t stream) {
          packed = pack_rows(device_, of, PackedBy::launch, operand, workspace.bytes(), stream);
        });
        const int count = static_cast<int>(rows >= 2048 ? std::min<std::int64_t>(copies, 6) : copies);
        const float us = time_of(count, [&](int index, cudaStream_t stream) {
          ProductWeight weight = prepared;
          weight.tiles = tiles.bytes() + index % copies * bytes;
          if (shape.groups > 1) {
            multiply_groups(device_, weight, packed, out.floats(), stream);
          } else {
            const ProductOutput output = {&weight, out.floats(), shape.out};
            multiply(device_, {&output, 1}, packed, stream);
          }
        });
        const bool once = operand == Operand::f16;
        const float fp8 = once ? library_time(shape.out, rows, shape.in, CUDA_R_8F_E4M3, library_weight,
                                              std::min<std::int64_t>(library_copies, count))
                               : 0.0F;
        const float bf16 = once ? library_time(shape.out, rows, shape.in, CUDA_R_16BF, library_weight,
                                               std::min<std::int64_t>(library_copies, count))
                                : 0.0F;
        print(shape.name, operand, rows, us, bytes + rows * 4 * (shape.in * shape.groups + shape.out),
              2.0 * static_cast<double>(rows * shape.out * shape.in), pack_us);
        std::printf("%.1f,%.1f\n", fp8, bf16);
      }
    }
  }

  void print(const char* name, Operand operand, std::int64_t rows, float us, std::int64_t bytes, double flops,
             float pack_us) const {
    const double gigabytes = static_cast<double>(bytes) / us / 1e3;
    const double teraflops = flops / us / 1e6;
    std::printf("%s,%s,%ld,%.1f,%.0f,%.2f,%.1f,%.3f,%.1f,", name, operand == Operand::e4m3 ? "fp8" : "float32",
                static_cast<long>(rows), us, gigabytes, gigabytes / copy_, teraflops, teraflops / peak_, pack_us);
  }

  // Whole expert steps: plan, packing, w1 and w3, SwiGLU, w2, sum.
  void measure_experts(const char* name, std::int64_t experts, std::int64_t channels, std::int64_t dim) {
    const Dense up = {"", WeightFormat::fp4_group, dim, channels};
    const Dense down = {"", WeightFormat::fp4_group, channels, dim};
    const Memory none(0);
    const std::int64_t bytes = product_weight_bytes(stored(up, none, none));
    const Memory w1(bytes * experts);
    const Memory w2(bytes * experts);
    const Memory w3(bytes * experts);
    prepare(up, w1, experts);
    prepare(down, w2, experts);
    prepare(up, w3, experts);
    std::vector<const std::uint8_t*> tables;
    for (const Memory* weight : {&w1, &w2, &w3})
      for (std::int64_t expert = 0; expert < experts; ++expert) tables.push_back(weight->bytes() + expert * bytes);
    const Memory table(static_cast<std::int64_t>(tables.size()) * 8);
    cudaMemcpy(table.bytes(), tables.data(), tables.size() * 8, cudaMemcpyHostToDevice);
    const auto* pointers = reinterpret_cast<const std::uint8_t* const*>(table.bytes());
    const ExpertTables all = {.kind = TileKind::fp4,
                              .experts = experts,
                              .channels = channels,
                              .expert_dim = dim,
                              .w1 = pointers,
                              .w2 = pointers + experts,
                              .w3 = pointers + 2 * experts};
    for (const Activations activations : {Activations::float32, Activations::fp8})
      for (const std::int64_t tokens : kRows)
        if (tokens >= fewest_rows_)
          measure_step(name, all, tokens, bytes, product_operand(device_, activations, TileKind::fp4));
  }

  void measure_step(const char* name, const ExpertTables& experts, std::int64_t tokens, std::int64_t bytes,
                    Operand operand) {
    constexpr int kSlots = 6;
    const int steps = tokens >= 256 ? 2 : 12;
    std::vector<std::int32_t> selected;
    std::int64_t active = 0;
    std::uint32_t state = 12345;
    for (int step = 0; step < steps; ++step) {
      std::vector<bool> used(static_cast<std::size_t>(experts.experts));
      for (std::int64_t token = 0; token < tokens; ++token) {
        std::vector<std::int32_t> row;
        while (row.size() < kSlots) {
          state = state * 1664525U + 1013904223U;
          const auto expert = static_cast<std::int32_t>((state >> 8) % experts.experts);
          if (std::find(row.begin(), row.end(), expert) == row.end()) row.push_back(expert);
        }
        for (const std::int32_t expert : row) used[expert] = true;
        selected.insert(selected.end(), row.begin(), row.end());
      }
      active += std::count(used.begin(), used.end(), true);
    }
    const Memory ids(static_cast<std::int64_t>(selected.size()) * 4);
    cudaMemcpy(ids.bytes(), selected.data(), selected.size() * 4, cudaMemcpyHostToDevice);
    const Memory x(tokens * experts.channels, 4, Fill::f32);
    const Memory weights(tokens * kSlots, 4, Fill::f32);
    const Memory out(tokens * experts.channels * 4);
    const Memory workspace(expert_workspace_bytes(device_, experts, tokens, kSlots, operand));
    const float us = time_of(steps, [&](int step, cudaStream_t stream) {
      expert_products(device_,
                      {.experts = experts,
                       .x = x.floats(),
                       .selected = reinterpret_cast<const std::int32_t*>(ids.bytes()) + step * tokens * kSlots,
                       .weights = weights.floats(),
                       .tokens = tokens,
                       .slots = kSlots,
                       .limit = 10.0F,
                       .out = out.floats()},
                      operand, workspace.bytes(), stream);
    });
    print(name, operand, tokens, us, 3 * bytes * active / steps + tokens * 8 * experts.channels,
          6.0 * static_cast<double>(tokens * kSlots * experts.channels * experts.expert_dim), 0.0F);
    std::printf("0,0\n");
  }

  std::string word_;
  std::int64_t fewest_rows_;
  ProductDevice device_;
  LibraryProduct library_;
  double copy_ = 1.0;
  double peak_ = 1979.0;
};

}  // namespace
}  // namespace fathom::cuda

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  try {
    fathom::cuda::Bench(count > 1 ? words[1] : "", count > 2 ? std::stol(words[2]) : 1).run();
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "%s\n", fault.what());
    return 1;
  }
  return 0;
}
