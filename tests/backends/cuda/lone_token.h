// A lone token on a CUDA backend of its own: its streams, and what a sublayer begins with.
#pragma once

#include <memory>
#include <vector>

#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/ops/downloaded.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {

class LoneToken {
 protected:
  static constexpr std::int64_t kStreams = 4;
  static constexpr std::int64_t kMixes = (2 + kStreams) * kStreams;

  LoneToken(const CudaOptions& options, std::int64_t channels, std::uint64_t seed)
      : random_(seed), backend_(make_cuda_backend(options)), arena_(backend_->allocator()) {
    fn_ = weight(WeightFormat::f32, kMixes, kStreams * channels);
    norm_ = arena_.take<float, 1>({channels});
    streams_ = arena_.take<float, 3>({1, kStreams, channels});
    x_ = arena_.take<float, 2>({1, channels});
    pre_ = arena_.take<float, 2>({1, kStreams});
    post_ = arena_.take<float, 2>({1, kStreams});
    comb_ = arena_.take<float, 3>({1, kStreams, kStreams});
    spare_ = arena_.take<float, 2>({2, 16});
    fill(norm_);
  }

  HyperConnectionArgs beginning() {
    return {.streams = streams_,
            .fn = *fn_,
            .scale = norm_.rows(0, 3),
            .base = norm_.rows(0, kMixes),
            .iterations = 20,
            .eps = 1e-6F,
            .norm_eps = 1e-6F,
            .norm = norm_,
            .arena = arena_,
            .pre = pre_,
            .post = post_,
            .comb = comb_,
            .out = x_};
  }
  // What is launched in between keeps a row from being awaited.
  void copy_spare() { backend_->copy(std::as_bytes(spare_[0].span()), reinterpret_cast<std::byte*>(spare_[1].data())); }

  template <typename T>
  void upload(std::span<const T> values, T* to) {
    backend_->upload(std::as_bytes(values), reinterpret_cast<std::byte*>(to));
  }
  template <std::size_t Rank>
  void fill(View<float, Rank> view) {
    const auto values = random_.normals(view.size());
    upload(std::span<const float>(values.span()), view.data());
  }
  std::unique_ptr<PreparedWeight> weight(WeightFormat format, std::int64_t out, std::int64_t in) {
    const bool block = format == WeightFormat::fp8_block;
    return backend_->prepare(TestWeight({format, out, in, block ? 128 : 1, block ? 128 : 32}, random_).view());
  }

  Random random_;
  std::unique_ptr<Backend> backend_;
  Arena arena_;
  std::unique_ptr<PreparedWeight> fn_;
  View<float, 1> norm_;
  View<float, 2> x_, pre_, post_, spare_;
  View<float, 3> streams_, comb_;
};

}  // namespace fathom::op_test
