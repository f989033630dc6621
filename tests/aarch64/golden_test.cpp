// The released reference's answers, from the kernels of this machine: tests/golden without the programs around it.
#include <gtest/gtest.h>

#include "fathom/apps/golden_check.h"
#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/checkpoint/checkpoint.h"

namespace fathom {
namespace {

class CrossGoldens : public ::testing::TestWithParam<const char*> {};

TEST_P(CrossGoldens, AgreeWithTheReleasedReference) {
  const auto directory = std::filesystem::path(FATHOM_SOURCE) / "tests" / "data" / GetParam();
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(directory));
  CpuBackend backend({.threads = 2});
  const auto goldens = find_goldens(directory);
  ASSERT_EQ(goldens.size(), 2U);
  for (const auto& golden : goldens) {
    Transformer transformer(checkpoint, backend, {.storage = storage_of_golden(golden)});
    const GoldenReport report = check_golden(transformer, golden);
    EXPECT_TRUE(report.passed()) << report.line();
    EXPECT_LE(report.tied_rows, 1) << report.line();
    std::printf("%s: %s\n", instruction_set_in_use().c_str(), report.line().c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, CrossGoldens, ::testing::Values("tiny-flash", "tiny-pro"), [](const auto& instance) {
  return std::string(instance.param) == "tiny-flash" ? "flash" : "pro";
});

}  // namespace
}  // namespace fathom
