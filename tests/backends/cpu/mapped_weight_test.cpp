// Experts used where the checkpoint has them give the bits of packed ones: every format, odd sizes, few rows and many.
#include "fathom/backends/cpu/mapped_weight.h"

#include <sys/mman.h>

#include "fathom/backends/cpu/packed_weight.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

struct OneLayer {
  std::vector<TestWeight> weights;
  std::vector<ExpertWeights> experts;

  OneLayer(Backend& backend, const WeightShape& shape, std::int64_t count, Random& random) {
    for (std::int64_t index = 0; index < 3 * count; ++index) {
      WeightShape one = shape;
      if (index % 3 == 2) std::swap(one.out, one.in);  // w1 and w3, then w2
      weights.emplace_back(one, random);
    }
    for (std::int64_t expert = 0; expert < count; ++expert)
      experts.push_back({.w1 = backend.prepare_expert(weights[3 * expert].view()),
                         .w2 = backend.prepare_expert(weights[3 * expert + 2].view()),
                         .w3 = backend.prepare_expert(weights[3 * expert + 1].view())});
  }
};

TEST(MappedWeight, ExpertsGiveTheBitsOfPackedOnes) {
  constexpr std::int64_t kExperts = 3;
  constexpr std::int64_t kSelected = 2;
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{160, 256}, {70, 96}})
    for (const WeightShape& shape : weight_shapes(out, in))
      for (const std::int64_t tokens : {1, 3, 250}) {
        CpuBackend packing({.threads = 2});
        CpuBackend mapping({.threads = 2, .pin = false, .mapped_experts = true});
        Random random(static_cast<std::uint64_t>(out + tokens));
        const Array<float> x = random.normals(tokens * in);
        const Array<float> weights = random.normals(tokens * kSelected);
        const Array<std::int32_t> selected(tokens * kSelected);
        for (std::int64_t token = 0; token < tokens; ++token) {
          selected[token * kSelected] = static_cast<std::int32_t>(random.below(kExperts));
          selected[token * kSelected + 1] = (selected[token * kSelected] + 1) % kExperts;
        }
        const auto run = [&](CpuBackend& backend) {
          Random same(91);
          const OneLayer layer(backend, shape, kExperts, same);
          Arena arena(backend.allocator());
          const Array<float> result(tokens * in);
          backend.experts({.x = x.view<2>({tokens, in}),
                           .selected = selected.view<2>({tokens, kSelected}),
                           .weights = weights.view<2>({tokens, kSelected}),
                           .experts = layer.experts,
                           .limit = 3.0F,
                           .arena = arena,
                           .out = result.view<2>({tokens, in})});
          return copy_of(result);
        };
        expect_same_bits(run(mapping), run(packing), shape.name() + ", tokens " + std::to_string(tokens));
      }
}

TEST(MappedWeight, IsWhatTheBackendWasAskedFor) {
  Random random(3);
  const TestWeight weight(weight_shapes(64, 64).front(), random);
  const auto is_mapped = [&](const CpuOptions& options) {
    return dynamic_cast<MappedWeight*>(CpuBackend(options).prepare_expert(weight.view()).get()) != nullptr;
  };
  EXPECT_FALSE(is_mapped({.threads = 1}));
  EXPECT_TRUE(is_mapped({.threads = 1, .pin = false, .mapped_experts = true}));
  CpuBackend mapping({.threads = 1, .pin = false, .mapped_experts = true});
  EXPECT_NE(dynamic_cast<PackedWeight*>(mapping.prepare(weight.view()).get()), nullptr) << "other weights are packed";
}

}  // namespace
}  // namespace fathom::op_test
