#include "fathom/checkpoint/tensor_pieces.h"

#include <gtest/gtest.h>

#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

using testing::LooseTensors;
using testing::TemporaryDirectory;

// The pieces of one file, or what is wrong with it, for tiny-pro: 12 experts of 96.
struct Gathered {
  TemporaryDirectory directory;
  std::vector<SafetensorsFile> files;
  TensorPieces pieces;
  FaultList faults;

  explicit Gathered(const LooseTensors& tensors) {
    testing::write_text(directory / "model.safetensors", testing::file_text(tensors));
    files.emplace_back(directory / "model.safetensors");
    pieces = gather_pieces(files, load_model_config(FATHOM_TEST_DATA "/tiny-pro/config.json"), faults);
  }
  std::string fault() const {
    return testing::error_of([&] { faults.throw_if_any("test", "file"); });
  }
};

TEST(TensorPieces, StacksAreCutInOrder) {
  std::string bytes;
  for (int value = 0; value < 12 * 4 * 2; ++value) bytes += static_cast<char>(value);
  const Gathered gathered({{"model.layers.1.mlp.experts.gate_up_proj", "I8", {12, 4, 2}, bytes}});
  EXPECT_TRUE(gathered.faults.empty());
  EXPECT_EQ(gathered.pieces.size(), 24U);
  const TensorPiece& gate = gathered.pieces.at("layers.1.ffn.experts.0.w1.weight");
  EXPECT_EQ(gate.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(std::to_integer<int>(gate.bytes[3]), 3);
  EXPECT_EQ(std::to_integer<int>(gathered.pieces.at("layers.1.ffn.experts.0.w3.weight").bytes[0]), 4);
  EXPECT_EQ(std::to_integer<int>(gathered.pieces.at("layers.1.ffn.experts.11.w3.weight").bytes[3]), 95);
}

TEST(TensorPieces, StacksThatCannotBeCut) {
  const std::string name = "model.layers.1.mlp.experts.gate_up_proj";
  const auto fault = [&](std::vector<std::int64_t> shape, std::size_t bytes) {
    return Gathered({{name, "I8", std::move(shape), std::string(bytes, 'x')}}).fault();
  };
  EXPECT_NE(fault({11, 2, 2}, 44).find("has shape [11, 2, 2], expected [12, 2 * rows, columns]"), std::string::npos);
  EXPECT_NE(fault({12, 3, 2}, 72).find("expected [12, 2 * rows, columns]"), std::string::npos);
  EXPECT_NE(fault({12, 4}, 48).find("expected [12, 2 * rows, columns]"), std::string::npos);
  EXPECT_NE(fault({12, 0, 2}, 0).find("expected [12, 2 * rows, columns]"), std::string::npos);
}

// 96 rows of w1 and 96 of w3 are 192, two blocks of 128: the first scale would serve both maps.
TEST(TensorPieces, ScalesThatTwoMapsShareAreRefused) {
  const Gathered shared(
      {{"model.layers.1.mlp.experts.gate_up_proj_scale_inv", "F8_E8M0", {12, 2, 2}, std::string(48, 'x')}});
  EXPECT_NE(shared.fault().find("w1 and w3 share a scale"), std::string::npos) << shared.fault();
  const Gathered grouped(
      {{"model.layers.1.mlp.experts.gate_up_proj_scale_inv", "F8_E8M0", {12, 192, 6}, std::string(12 * 192 * 6, 'x')}});
  EXPECT_TRUE(grouped.faults.empty());
}

TEST(TensorPieces, StackAndSingleExpertsCollide) {
  const Gathered gathered({{"model.layers.1.mlp.experts.down_proj", "I8", {12, 1, 1}, std::string(12, 'x')},
                           {"layers.1.ffn.experts.3.w2.weight", "I8", {1, 1}, "x"}});
  EXPECT_NE(gathered.fault().find("is a second layers.1.ffn.experts.3.w2.weight"), std::string::npos);
}

}  // namespace
}  // namespace fathom
