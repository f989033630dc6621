// The released reference's answers, on every backend and both cache storages.
#include <gtest/gtest.h>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/golden_check.h"
#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/backends/cuda/cuda_backend.h"
#include "fathom/checkpoint/reshard.h"
#include "tests/model/small_model.h"

namespace fathom {
namespace {

struct GoldenCase {
  std::string directory;
  BackendChoice backend;
  bool tensor_cores = false;  // products of any size, on a GPU

  std::unique_ptr<Backend> make() const {
    return tensor_cores ? make_cuda_backend({.tensor_core_inputs = 1}) : make_backend(backend);
  }
};

std::filesystem::path path_of(const std::string& directory) { return std::filesystem::path(FATHOM_SOURCE) / directory; }

class Goldens : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Goldens, AgreeWithTheReleasedReference) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(path_of(GetParam().directory)));
  const auto backend = GetParam().make();
  const auto goldens = find_goldens(path_of(GetParam().directory));
  ASSERT_EQ(goldens.size(), 2U);
  for (const auto& golden : goldens) {
    // Another order of sums flips roundings of the released cache, and tiny models' choices with them
    // (docs/notes/2026-11-23-rounded-as-released.md); what is not rounded must agree in any order.
    if (GetParam().tensor_cores && storage_of_golden(golden) == CacheStorage::released) continue;
    Transformer transformer(checkpoint, *backend, {.storage = storage_of_golden(golden)});
    const GoldenReport report = check_golden(transformer, golden);
    EXPECT_TRUE(report.passed()) << report.line();
    EXPECT_LE(report.tied_rows, 1) << report.line();
    std::printf("%s\n", report.line().c_str());
  }
}

TEST_P(Goldens, AgreeFromThreeFilesAsWell) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path sharded = folder.path() / "sharded";
  reshard_checkpoint(path_of(GetParam().directory), sharded, 3);
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(sharded));
  ASSERT_EQ(checkpoint->files().size(), 3U);
  const auto backend = GetParam().make();
  const auto golden = path_of(GetParam().directory) / "goldens-smooth.safetensors";
  Transformer transformer(checkpoint, *backend, {.storage = CacheStorage::float32});
  const GoldenReport report = check_golden(transformer, golden);
  EXPECT_TRUE(report.passed()) << report.line();
}

std::vector<GoldenCase> cases() {
  std::vector<GoldenCase> all;
  for (const char* directory : {"tests/data/tiny-flash", "tests/data/tiny-pro", "models/sprat"}) {
    for (const std::string& target : instruction_sets())
      all.push_back({directory, {.name = "cpu", .threads = 2, .cpu_target = target}});
    all.push_back({directory, {"reference", 1}});
    if (cuda_obstacle({}).empty()) all.push_back({directory, {.name = "cpu", .threads = 1, .device = "cuda"}});
    if (cuda_obstacle({}).empty()) all.push_back({directory, {.name = "cpu", .threads = 1, .device = "cuda"}, true});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Oracle, Goldens, ::testing::ValuesIn(cases()), [](const auto& instance) {
  const BackendChoice& backend = instance.param.backend;
  const bool narrower = backend.name == "cpu" && backend.device == "cpu" && backend.cpu_target != "best" &&
                        backend.cpu_target != instruction_sets().front();
  std::string name = instance.param.directory + "_" + backend.name + (narrower ? "_" + backend.cpu_target : "") +
                     (backend.device == "cuda" ? "_cuda" : "") + (instance.param.tensor_cores ? "_tensor_cores" : "");
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
});

}  // namespace
}  // namespace fathom
