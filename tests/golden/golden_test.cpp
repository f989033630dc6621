// The released reference's answers, on every backend and both cache storages.
#include <gtest/gtest.h>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/golden_check.h"
#include "fathom/checkpoint/reshard.h"
#include "tests/model/small_model.h"

namespace fathom {
namespace {

struct GoldenCase {
  std::string directory;
  BackendChoice backend;
};

std::filesystem::path path_of(const std::string& directory) { return std::filesystem::path(FATHOM_SOURCE) / directory; }

class Goldens : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Goldens, AgreeWithTheReleasedReference) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(path_of(GetParam().directory)));
  const auto backend = make_backend(GetParam().backend);
  const auto goldens = find_goldens(path_of(GetParam().directory));
  ASSERT_EQ(goldens.size(), 2U);
  for (const auto& golden : goldens) {
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
  const auto backend = make_backend(GetParam().backend);
  const auto golden = path_of(GetParam().directory) / "goldens-smooth.safetensors";
  Transformer transformer(checkpoint, *backend, {.storage = CacheStorage::float32});
  const GoldenReport report = check_golden(transformer, golden);
  EXPECT_TRUE(report.passed()) << report.line();
}

INSTANTIATE_TEST_SUITE_P(Oracle, Goldens,
                         ::testing::Values(GoldenCase{"tests/data/tiny-flash", {"cpu", 2}},
                                           GoldenCase{"tests/data/tiny-pro", {"cpu", 2}},
                                           GoldenCase{"models/sprat", {"cpu", 2}},
                                           GoldenCase{"tests/data/tiny-flash", {"reference", 1}},
                                           GoldenCase{"tests/data/tiny-pro", {"reference", 1}},
                                           GoldenCase{"models/sprat", {"reference", 1}}),
                         [](const auto& instance) {
                           std::string name = instance.param.directory + "_" + instance.param.backend.name;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace fathom
