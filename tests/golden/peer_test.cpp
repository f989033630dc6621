// The second oracle, an engine that shares no line with the first one or with us: llama.cpp's logits on a random
// checkpoint with the head sizes of DeepSeek-V4-Flash. How they were made: docs/notes/second_oracle.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <sstream>

#include "fathom/apps/backend_choice.h"
#include "fathom/apps/golden_check.h"
#include "fathom/base/mapped_file.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/checkpoint/random_checkpoint.h"
#include "fathom/model/transformer.h"

namespace fathom {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr double kLargest = 1e-3;
constexpr double kMean = 1e-5;
constexpr double kTie = 1e-5;  // between the last score chosen and the first refused

std::filesystem::path data_file(const char* name) { return std::filesystem::path(FATHOM_TEST_DATA) / "peer" / name; }

// 64-bit FNV-1a in hexadecimal digits.
std::string fingerprint(const std::filesystem::path& path) {
  const MappedFile file(path);
  std::uint64_t state = 0xcbf29ce484222325ULL;
  for (const std::byte byte : file.bytes()) state = (state ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3ULL;
  return fmt::format("{:016x}", state);
}

class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "fathom-peer-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw InputError("[test] cannot make the folder {}", path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

// The checkpoint that the peer saw, from its seed.
void write_checkpoint(const std::filesystem::path& folder, const std::string& expected_fingerprint) {
  write_random_checkpoint(load_model_config(data_file("flash-heads.json")), folder, {.seed = kSeed});
  const std::string found = fingerprint(folder / "model.safetensors");
  if (found != expected_fingerprint)
    throw InputError(
        "[peer] seed {} makes a checkpoint with fingerprint {}, expected {}, which llama.cpp saw: fathom random "
        "writes other bytes than it did, so make flash-heads.safetensors anew as docs/notes/second_oracle.md says",
        kSeed, found, expected_fingerprint);
}

std::vector<std::int32_t> token_ids() {
  std::istringstream text(read_text_file(data_file("flash-heads.ids.txt")));
  return {std::istream_iterator<std::int32_t>(text), std::istream_iterator<std::int32_t>()};
}

// How close the nearest choice of a pass is to a tie, and how much there was to choose from.
class MarginObserver final : public ForwardObserver {
 public:
  void on_route(std::int64_t /*block*/, const RouteArgs& route) override {
    if (!route.hash.empty()) return;
    for (std::int64_t row = 0; row < route.logits.shape()[0]; ++row) {
      std::vector<double> scores;
      for (std::int64_t expert = 0; expert < route.logits.shape()[1]; ++expert)
        scores.push_back(std::sqrt(std::log1p(std::exp(static_cast<double>(route.logits[row][expert])))) +
                         static_cast<double>(route.bias[expert]));
      note(scores, route.selected.shape()[1], route_margin_);
      ++routes_;
    }
  }

  // One sequence in one run from position 0.
  void on_index(std::int64_t /*block*/, const IndexTopKArgs& index) override {
    const auto [tokens, heads, dim] = index.q.shape();
    std::vector<float> key(static_cast<std::size_t>(dim));
    for (std::int64_t token = 0; token < tokens; ++token) {
      const std::int64_t entries = visible_entries(token, index.ratio);
      if (entries <= index.selected.shape()[1]) continue;
      std::vector<double> scores;
      for (std::int64_t entry = 0; entry < entries; ++entry) {
        decode_index_key(index.format, {index.keys[0].row(entry), static_cast<std::size_t>(index.format.row_bytes())},
                         key);
        double score = 0.0;
        for (std::int64_t head = 0; head < heads; ++head) {
          double product = 0.0;
          for (std::int64_t column = 0; column < dim; ++column)
            product += static_cast<double>(index.q[token][head][column]) * static_cast<double>(key[column]);
          score += static_cast<double>(index.weights[token][head]) * std::max(product, 0.0);
        }
        scores.push_back(score / std::sqrt(static_cast<double>(dim * heads)));
      }
      note(scores, index.selected.shape()[1], index_margin_);
      ++index_choices_;
    }
  }

  double route_margin() const { return route_margin_; }
  double index_margin() const { return index_margin_; }
  std::int64_t routes() const { return routes_; }
  std::int64_t index_choices() const { return index_choices_; }

 private:
  // The distance from the last score that is chosen to the first that is not.
  static void note(std::vector<double>& scores, std::int64_t chosen, double& margin) {
    std::sort(scores.begin(), scores.end(), std::greater<>());
    margin = std::min(margin, scores[static_cast<std::size_t>(chosen - 1)] - scores[static_cast<std::size_t>(chosen)]);
  }

  double route_margin_ = std::numeric_limits<double>::infinity();
  double index_margin_ = std::numeric_limits<double>::infinity();
  std::int64_t routes_ = 0;
  std::int64_t index_choices_ = 0;
};

// Logits [tokens, vocab] of one prefill, as the peer ran.
std::vector<float> prefill(const std::filesystem::path& directory, const BackendChoice& choice,
                           std::span<const std::int32_t> ids, ForwardObserver& observer) {
  const auto checkpoint = std::make_shared<const Checkpoint>(Checkpoint::open(directory));
  const auto backend = make_backend(choice);
  Transformer transformer(checkpoint, *backend, {.storage = CacheStorage::float32});
  SequenceCache cache = transformer.make_cache();
  const BatchRun run{.cache = &cache, .ids = ids};
  const auto logits = transformer.forward({&run, 1}, &observer);
  std::vector<float> host(static_cast<std::size_t>(logits.size()));
  backend->download(reinterpret_cast<const std::byte*>(logits.data()), std::as_writable_bytes(std::span(host)));
  return host;
}

class Peer : public testing::TestWithParam<BackendChoice> {};

TEST_P(Peer, AgreesOnTheHeadSizesOfFlash) {
  const SafetensorsFile file(data_file("flash-heads.safetensors"));
  const std::vector<std::int32_t> positions = file.integers("positions");
  const std::vector<float> expected = file.floats("logits");
  const std::vector<std::int32_t> ids = token_ids();
  ASSERT_FALSE(ids.empty());
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), file.metadata().at("checkpoint_fnv1a"));

  MarginObserver margins;
  const std::vector<float> found = prefill(folder.path(), GetParam(), ids, margins);
  const auto vocab = std::ssize(found) / std::ssize(ids);
  ASSERT_EQ(std::ssize(expected), std::ssize(positions) * vocab);
  Difference difference;
  for (std::size_t row = 0; row < positions.size(); ++row) {
    ASSERT_LT(positions[row], std::ssize(ids));
    for (std::int64_t column = 0; column < vocab; ++column)
      difference.add(found[static_cast<std::size_t>(positions[row] * vocab + column)],
                     expected[row * static_cast<std::size_t>(vocab) + static_cast<std::size_t>(column)]);
  }
  fmt::print("{}: max {:.2e}, mean {:.2e} over {} rows; nearest tie: router {:.1e} of {}, indexer {:.1e} of {}\n",
             GetParam().name, difference.largest, difference.mean(), positions.size(), margins.route_margin(),
             margins.routes(), margins.index_margin(), margins.index_choices());
  EXPECT_GE(std::ssize(positions), std::ssize(ids) / 2);
  EXPECT_TRUE(difference.finite);
  EXPECT_LE(difference.largest, kLargest);
  EXPECT_LE(difference.mean(), kMean);

  // The comparison means something only where there was a choice, and is fair only where the choice was clear.
  EXPECT_GT(margins.index_choices(), 200);
  EXPECT_GT(margins.routes(), 200);
  EXPECT_GT(margins.route_margin(), kTie);
  EXPECT_GT(margins.index_margin(), kTie);
}

INSTANTIATE_TEST_SUITE_P(SecondOracle, Peer, testing::Values(BackendChoice{"cpu", 2}, BackendChoice{"reference", 1}),
                         [](const auto& instance) { return instance.param.name; });

TEST(PeerCase, SaysThatTheGeneratorChanged) {
  const TemporaryFolder folder;
  try {
    write_checkpoint(folder.path(), "0123456789abcdef");
    FAIL() << "another fingerprint went unnoticed";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("expected 0123456789abcdef"), std::string::npos) << error.what();
  }
}

// What the case is for: Flash's heads, window and ratios, and a sequence long enough for all three kinds of attention.
TEST(PeerCase, HasFlashsHeadSizesAndReachesEveryKindOfAttention) {
  const ModelConfig config = load_model_config(data_file("flash-heads.json"));
  const ModelConfig flash = preset_model_config("deepseek-v4-flash");
  EXPECT_EQ(config.heads, flash.heads);
  EXPECT_EQ(config.head_dim, flash.head_dim);
  EXPECT_EQ(config.rope_dim, flash.rope_dim);
  EXPECT_EQ(config.index_heads, flash.index_heads);
  EXPECT_EQ(config.index_dim, flash.index_dim);
  EXPECT_EQ(config.window, flash.window);
  EXPECT_EQ(config.output_groups, flash.output_groups);
  EXPECT_EQ(config.selected_experts, flash.selected_experts);
  EXPECT_EQ(config.compress_ratios, (std::vector<std::int64_t>{0, 4, 128, 4}));

  const auto tokens = std::ssize(token_ids());
  EXPECT_GT(tokens, config.window);                                          // the window's ring has wrapped
  EXPECT_GE(visible_entries(tokens - 1, 128), 2);                            // HCA
  EXPECT_GT(visible_entries(tokens - 1, kCsaRatio), 2 * config.index_topk);  // CSA selects
}

}  // namespace
}  // namespace fathom
