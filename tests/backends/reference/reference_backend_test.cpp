#include "fathom/backends/reference/reference_backend.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace fathom {
namespace {

WeightView floats(const std::vector<float>& values, std::int64_t out, std::int64_t in) {
  return {.format = WeightFormat::f32, .out = out, .in = in, .data = std::as_bytes(std::span(values)), .scale = {}};
}

TEST(ReferenceBackend, SaysItsName) { EXPECT_EQ(ReferenceBackend().name(), "reference"); }

// Products and sums are rounded to float32 one by one, in order: 2^30 swallows the 1 before it is taken away.
TEST(ReferenceBackend, RoundsEveryStep) {
  ReferenceBackend backend;
  const std::vector<float> values = {0x1p30F, 1.0F, -0x1p30F, 3.0F};
  const auto weight = backend.prepare(floats(values, 1, 4));
  std::vector<float> x = {1.0F, 1.0F, 1.0F, 1.0F};
  std::vector<float> out(1);
  backend.linear(
      {.weight = *weight, .x = View<const float, 2>(x.data(), {1, 4}), .out = View<float, 2>(out.data(), {1, 1})});
  EXPECT_EQ(out[0], 3.0F);
}

TEST(ReferenceBackend, HostMemoryIsDeviceMemory) {
  ReferenceBackend backend;
  const std::vector<std::byte> from = {std::byte{1}, std::byte{2}};
  std::vector<std::byte> there(2);
  std::vector<std::byte> back(2);
  backend.upload(from, there.data());
  backend.download(there.data(), back);
  EXPECT_EQ(back, from);
  EXPECT_NO_THROW(backend.upload({}, nullptr));
  EXPECT_NO_THROW(backend.download(nullptr, {}));
  EXPECT_EQ(&backend.allocator(), &host_allocator());
}

}  // namespace
}  // namespace fathom
