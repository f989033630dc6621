// What the operation tests share: the backends, memory that ends where it says and starts off any boundary, random
// numbers, and comparisons.
#pragma once

#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/backend.h"
#include "tests/ops/mirror_support.h"
#include "tests/ops/tolerances.h"

namespace fathom::op_test {

inline std::unique_ptr<Backend> make_backend(const std::string& name) {
  if (name == "reference") return std::make_unique<ReferenceBackend>();
  if (name == "cuda_tensor_cores") return make_mirrored(make_cuda_backend({.tensor_core_inputs = 1}));
  if (name == "cuda_fp8") return make_mirrored(make_cuda_backend({.products = CudaProducts::fp8}));
  if (name == "cuda") return make_mirrored(make_cuda_backend({}));
  if (name == "cpu_1") return std::make_unique<CpuBackend>(CpuOptions{.threads = 1});
  if (name == "cpu_3") return std::make_unique<CpuBackend>(CpuOptions{.threads = 3});
  return std::make_unique<CpuBackend>(CpuOptions{.threads = 2});
}

// One element type, exactly `count` of them, starting `offset` elements off an allocation: a read beyond the end is a
// read beyond the allocation, which the address sanitizer sees.
template <typename T>
class Array {
 public:
  explicit Array(std::int64_t count, std::int64_t offset = 1)
      : count_(count), offset_(offset), storage_(new T[static_cast<std::size_t>(count + offset)]()) {}

  T* data() const { return storage_.get() + offset_; }
  std::span<T> span() const { return {data(), static_cast<std::size_t>(count_)}; }
  T& operator[](std::int64_t index) const { return data()[index]; }
  std::int64_t size() const { return count_; }
  template <std::size_t Rank>
  View<T, Rank> view(const std::array<std::int64_t, Rank>& shape) const {
    return View<T, 1>(data(), {count_}).template reshape<Rank>(shape);
  }

 private:
  std::int64_t count_;
  std::int64_t offset_;
  std::unique_ptr<T[]> storage_;
};

template <typename T>
std::vector<T> copy_of(const Array<T>& array) {
  return {array.span().begin(), array.span().end()};
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }
  std::int64_t below(std::int64_t count) { return std::uniform_int_distribution<std::int64_t>(0, count - 1)(engine_); }
  float normal() { return std::normal_distribution<float>()(engine_); }
  std::byte byte() { return std::byte(static_cast<std::uint8_t>(below(256))); }

  Array<float> normals(std::int64_t count, float scale = 1.0F) {
    Array<float> result(count);
    for (float& value : result.span()) value = normal() * scale;
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

// Every element within tolerance * magnitude of what is expected; the first that is not is named.
inline void expect_close(std::span<const float> found, const std::vector<double>& expected,
                         const std::vector<double>& magnitude, double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  ASSERT_EQ(found.size(), magnitude.size()) << what;
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const double distance = std::fabs(static_cast<double>(found[index]) - expected[index]);
    const bool close = distance <= tolerance * magnitude[index] + 1e-37;  // NaN is not close
    if (!close) {
      FAIL() << what << ", element " << index << ": found " << found[index] << ", expected " << expected[index]
             << ", distance " << distance << " of " << tolerance * magnitude[index];
    }
  }
}

inline void expect_close(std::span<const float> found, const std::vector<double>& expected, double tolerance,
                         const std::string& what) {
  std::vector<double> magnitude;
  for (const double value : expected) magnitude.push_back(std::max(1.0, std::fabs(value)));
  expect_close(found, expected, magnitude, tolerance, what);
}

// The same bits, NaN and zeros included.
template <typename A, typename B>
void expect_same_bits(const A& found, const B& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t index = 0; index < static_cast<std::size_t>(found.size()); ++index)
    if (std::memcmp(found.data() + index, expected.data() + index, sizeof(*found.data())) != 0)
      FAIL() << what << ", element " << index << ": found " << +found.data()[index] << ", expected "
             << +expected.data()[index];
}

// The text of the InternalError that `call` throws.
template <typename Fault = InternalError, typename Call>
std::string fault_of(const Call& call) {
  try {
    call();
  } catch (const Fault& fault) {
    return fault.what();
  } catch (const std::exception& other) {
    return std::string("another exception: ") + other.what();
  }
  return "no exception";
}

inline void expect_names(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << text << " does not name " << part;
}

// "cpu_sse4", "cpu_scalar" and the like hold the cpu backend to that instruction set while it lives.
class TargetScope {
 public:
  explicit TargetScope(std::string_view backend) {
    const auto known = instruction_sets();
    if (backend.starts_with("cpu_") && std::find(known.begin(), known.end(), backend.substr(4)) != known.end())
      use_instruction_set(backend.substr(4));
  }
  ~TargetScope() { use_instruction_set("best"); }
  TargetScope(const TargetScope&) = delete;
  TargetScope& operator=(const TargetScope&) = delete;
};

// "cpu_" and the name of every instruction set of this machine but the best, which plain numbers of threads stand for.
inline std::vector<const char*> narrower_targets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = instruction_sets();
    all.erase(all.begin());
    for (std::string& name : all) name = "cpu_" + name;
    return all;
  }();
  std::vector<const char*> result;
  for (const std::string& name : names) result.push_back(name.c_str());
  return result;
}

inline std::vector<const char*> and_narrower_targets(std::vector<const char*> backends) {
  for (const char* target : narrower_targets()) backends.push_back(target);
  return backends;
}

// A test that runs once for every backend; `alone` computes rows one by one, `other` with other threads.
class OperationTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  bool is_cpu() const { return std::string_view(GetParam()).starts_with("cpu"); }

  std::unique_ptr<Backend> backend = make_backend(GetParam());
  std::unique_ptr<Backend> alone = make_backend(is_cpu() ? "cpu_1" : GetParam());
  std::unique_ptr<Backend> other = make_backend(is_cpu() ? "cpu_3" : GetParam());
  Random random{20260419};
};

// These, and the CUDA backend where there is a GPU.
inline auto and_cuda(std::vector<const char*> backends) {
  if (cuda_obstacle({}).empty()) backends.push_back("cuda");
  return ::testing::ValuesIn(backends);
}
// The same, and products of any size on tensor cores.
inline auto and_tensor_cores(std::vector<const char*> backends) {
  if (cuda_obstacle({}).empty()) backends.push_back("cuda_tensor_cores");
  return and_cuda(backends);
}
inline auto every_backend() { return and_cuda(and_narrower_targets({"reference", "cpu_1", "cpu_2"})); }
inline auto every_multiplier() { return and_tensor_cores(and_narrower_targets({"reference", "cpu_1", "cpu_2"})); }
inline std::string backend_name(const ::testing::TestParamInfo<const char*>& parameter) { return parameter.param; }

}  // namespace fathom::op_test
