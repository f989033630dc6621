#include "fathom/checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>

#include "fathom/base/error.h"
#include "fathom/spec/tensor_table.h"
#include "fathom/tensor/numbers.h"
#include "tests/checkpoint/checkpoint_support.h"
#include "tests/checkpoint/transformers_support.h"

namespace fathom {
namespace {

using testing::at;
using testing::error_of;
using testing::LooseTensors;
using testing::oracle_tensors;
using testing::TemporaryDirectory;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Checkpoint, OpensTheOracles) {
  for (const char* name :
       {FATHOM_TEST_DATA "/tiny-flash", FATHOM_TEST_DATA "/tiny-pro", FATHOM_SOURCE "/models/sprat"}) {
    const Checkpoint checkpoint = Checkpoint::open(name);
    const ModelConfig& config = checkpoint.config();
    EXPECT_EQ(config, load_model_config(std::filesystem::path(name) / "config.json"));
    EXPECT_EQ(checkpoint.directory(), name);
    EXPECT_TRUE(checkpoint.notes().empty());
    EXPECT_EQ(checkpoint.files().size(), 1U);
    for (const TensorSpec& spec : tensor_table(config)) {
      if (spec.role == TensorRole::hash_table) {
        EXPECT_EQ(checkpoint.integers(spec.name).size(), static_cast<std::size_t>(spec.elements()));
        continue;
      }
      if (!spec.linear) {
        EXPECT_EQ(checkpoint.floats(spec.name).size(), static_cast<std::size_t>(spec.elements()));
        continue;
      }
      const WeightView weight = checkpoint.linear(spec.name);
      EXPECT_EQ(weight.out, spec.shape[0]);
      EXPECT_EQ(weight.in, spec.shape[1]);
    }
  }
}

TEST(Checkpoint, ViewsShowTheFile) {
  const Checkpoint checkpoint = Checkpoint::open(FATHOM_TEST_DATA "/tiny-pro");
  LooseTensors tensors = oracle_tensors("tiny-pro");
  const WeightView fp8 = checkpoint.linear("layers.0.attn.wo_b");
  EXPECT_EQ(fp8.format, WeightFormat::fp8_block);
  EXPECT_EQ(fp8.out, 192);
  EXPECT_EQ(fp8.in, 256);
  EXPECT_EQ(fp8.scale_rows, 128);
  EXPECT_EQ(fp8.scale_columns, 128);
  EXPECT_EQ(fp8.scale_dtype, DType::f8_e8m0);
  EXPECT_EQ(text_of(fp8.data), at(tensors, "layers.0.attn.wo_b.weight").bytes);
  EXPECT_EQ(text_of(fp8.scale), at(tensors, "layers.0.attn.wo_b.scale").bytes);
  const WeightView fp4 = checkpoint.linear("mtp.0.ffn.experts.11.w2");
  EXPECT_EQ(fp4.format, WeightFormat::fp4_group);
  EXPECT_EQ(fp4.out, 192);
  EXPECT_EQ(fp4.in, 96);
  EXPECT_EQ(fp4.scale_rows, 1);
  EXPECT_EQ(fp4.scale_columns, 32);
  EXPECT_EQ(fp4.data.size(), 192U * 48U);
  EXPECT_EQ(fp4.scale.size(), 192U * 3U);
  const WeightView bf16 = checkpoint.linear("embed");
  EXPECT_EQ(bf16.format, WeightFormat::bf16);
  EXPECT_TRUE(bf16.scale.empty());
  const WeightView mix = checkpoint.linear("layers.1.hc_ffn_fn");
  EXPECT_EQ(mix.format, WeightFormat::f32);
  EXPECT_EQ(mix.out, 24);
  EXPECT_EQ(mix.in, 768);
  const std::vector<float> sinks = checkpoint.floats("layers.0.attn.attn_sink");
  ASSERT_EQ(sinks.size(), 8U);
  EXPECT_EQ(text_of(std::as_bytes(std::span(sinks))), at(tensors, "layers.0.attn.attn_sink").bytes);
  const std::vector<std::int32_t> ids = checkpoint.integers("layers.2.ffn.gate.tid2eid");
  std::int64_t last = 0;
  std::memcpy(&last, at(tensors, "layers.2.ffn.gate.tid2eid").bytes.data() + (384 * 4 - 1) * 8, 8);
  EXPECT_EQ(ids.back(), last);
}

TEST(Checkpoint, NamesOutsideTheTableAreOurFault) {
  const Checkpoint checkpoint = Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash");
  EXPECT_THROW(checkpoint.linear("layers.0.attn.wq_a.weight"), InternalError);
  EXPECT_THROW(checkpoint.linear("nothing"), InternalError);
  EXPECT_THROW(checkpoint.floats("nothing"), InternalError);
  EXPECT_THROW(checkpoint.floats("layers.0.attn.wq_a.weight"), InternalError);
  EXPECT_THROW(checkpoint.integers("norm.weight"), InternalError);
}

TEST(Checkpoint, SurvivesAMove) {
  Checkpoint first = Checkpoint::open(FATHOM_TEST_DATA "/tiny-flash");
  const std::vector<float> before = first.floats("norm.weight");
  Checkpoint second = std::move(first);
  EXPECT_EQ(second.floats("norm.weight"), before);
}

// tiny-flash with one damage, and what must be said of it.
void expect_fault(const std::function<void(LooseTensors&)>& damage, std::string_view said) {
  const TemporaryDirectory directory;
  LooseTensors tensors = oracle_tensors("tiny-flash");
  damage(tensors);
  testing::write_checkpoint(directory.path(), "tiny-flash", tensors);
  const std::string error = error_of([&] { Checkpoint::open(directory.path()); });
  EXPECT_NE(error.find(said), std::string::npos) << "expected: " << said << "\nfound: " << error;
  EXPECT_NE(error.find("model.safetensors"), std::string::npos) << error;
}

TEST(Checkpoint, MissingTensors) {
  expect_fault([](LooseTensors& tensors) { testing::erase(tensors, "norm.weight"); },
               "tensor norm.weight is missing, expected BF16 [128]");
  expect_fault([](LooseTensors& tensors) { testing::erase(tensors, "layers.2.attn.wkv.scale"); },
               "tensor layers.2.attn.wkv.scale is missing, expected F8_E8M0 [1, 1]");
  expect_fault(
      [](LooseTensors& tensors) { testing::erase(tensors, "layers.2.ffn.experts.7.w3.weight"); },
      "tensor layers.2.ffn.experts.7.w3.weight is missing, expected I8 (packed FP4) with a scale per 1x32 [64, 64]");
  expect_fault([](LooseTensors& tensors) { testing::erase(tensors, "mtp.0.e_proj.weight"); },
               "tensor mtp.0.e_proj.weight is missing");
  expect_fault([](LooseTensors& tensors) { tensors.clear(); }, "304 faults: tensor embed.weight is missing");
}

TEST(Checkpoint, UnexpectedTensors) {
  expect_fault(
      [](LooseTensors& tensors) {
        tensors.push_back({"layers.6.attn_norm.weight", "BF16", {1}, "xx"});
      },
      "unexpected tensor layers.6.attn_norm.weight (BF16 [1] in model.safetensors)");
  expect_fault(
      [](LooseTensors& tensors) {
        tensors.push_back({"layers.0.ffn.gate.bias", "F32", {1}, "xxxx"});
      },
      "unexpected tensor layers.0.ffn.gate.bias");
  expect_fault(
      [](LooseTensors& tensors) {
        tensors.push_back({"embed.scale", "F8_E8M0", {1}, "x"});
      },
      "unexpected tensor embed.scale");
  expect_fault(
      [](LooseTensors& tensors) {
        tensors.push_back({"mtp.1.norm.weight", "BF16", {1}, "xx"});
      },
      "unexpected tensor mtp.1.norm.weight");
}

TEST(Checkpoint, WrongTypes) {
  expect_fault([](LooseTensors& tensors) { at(tensors, "layers.0.attn.wq_a.weight").dtype = "I8"; },
               "tensor layers.0.attn.wq_a.weight (I8 [64, 128] in model.safetensors) has type I8, expected F8_E4M3");
  expect_fault([](LooseTensors& tensors) { at(tensors, "layers.0.attn.wq_a.scale").dtype = "U8"; },
               "tensor layers.0.attn.wq_a.scale (U8 [1, 1] in model.safetensors) has type U8, expected F8_E8M0 or F32");
  expect_fault([](LooseTensors& tensors) { at(tensors, "layers.0.ffn.experts.0.w1.weight").dtype = "U8"; },
               "has type U8, expected I8 (packed FP4)");
  expect_fault([](LooseTensors& tensors) { at(tensors, "norm.weight").dtype = "F16"; },
               "tensor norm.weight (F16 [128] in model.safetensors) has type F16, expected BF16 or F32");
  expect_fault([](LooseTensors& tensors) { at(tensors, "layers.0.attn.attn_sink").dtype = "I32"; },
               "has type I32, expected BF16 or F32");
}

TEST(Checkpoint, WrongShapes) {
  expect_fault(
      [](LooseTensors& tensors) {
        at(tensors, "layers.0.attn.wq_a.weight").shape = {128, 64};
      },
      "has shape [128, 64], expected [64, 128]");
  expect_fault(
      [](LooseTensors& tensors) {
        at(tensors, "norm.weight").shape = {1, 128};
      },
      "has shape [1, 128], expected [128]");
  expect_fault(
      [](LooseTensors& tensors) {
        at(tensors, "layers.0.attn.wo_a.scale").shape = {2, 1};
      },
      "tensor layers.0.attn.wo_a.scale (F8_E8M0 [2, 1] in model.safetensors) has shape [2, 1], expected [1, 2]");
  // FP8 where packed FP4 was: twice the columns are wanted.
  expect_fault([](LooseTensors& tensors) { at(tensors, "layers.0.ffn.experts.0.w1.weight").dtype = "F8_E4M3"; },
               "has shape [64, 64], expected [64, 128]");
}

TEST(Checkpoint, DuplicatesOfAnotherSpelling) {
  expect_fault(
      [](LooseTensors& tensors) {
        tensors.push_back({"model.norm.weight", "BF16", {1}, "xx"});
      },
      "tensor model.norm.weight in model.safetensors is a second norm.weight");
}

TEST(Checkpoint, SeveralFaultsAreCounted) {
  expect_fault(
      [](LooseTensors& tensors) {
        for (testing::LooseTensor& tensor : tensors)
          if (tensor.name.ends_with("norm.weight")) tensor.dtype = "F16";
      },
      "faults: ");
}

TEST(Checkpoint, ExpertsOutsideTheTable) {
  const TemporaryDirectory directory;
  LooseTensors tensors = oracle_tensors("tiny-flash");
  const std::int64_t eight = 8;
  std::memcpy(at(tensors, "layers.1.ffn.gate.tid2eid").bytes.data() + 80, &eight, 8);
  testing::write_checkpoint(directory.path(), "tiny-flash", tensors);
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_NE(error_of([&] {
              checkpoint.integers("layers.1.ffn.gate.tid2eid");
            }).find("tensor layers.1.ffn.gate.tid2eid sends token 3 to expert 8, expected 0 to 7"),
            std::string::npos);
}

TEST(Checkpoint, WithoutMtpTensorsThereIsNoMtp) {
  const TemporaryDirectory directory;
  LooseTensors tensors = oracle_tensors("tiny-flash");
  std::erase_if(tensors, [](const testing::LooseTensor& tensor) { return tensor.name.starts_with("mtp."); });
  testing::write_checkpoint(directory.path(), "tiny-flash", tensors);
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_EQ(checkpoint.config().mtp_layers, 0);
  EXPECT_EQ(checkpoint.config().compress_ratios.size(), 6U);
  ASSERT_EQ(checkpoint.notes().size(), 1U);
  EXPECT_NE(checkpoint.notes()[0].find("1 MTP layers"), std::string::npos);
}

void expect_same_bytes(const Checkpoint& found, const Checkpoint& expected) {
  for (const TensorSpec& spec : tensor_table(found.config())) {
    if (spec.role == TensorRole::hash_table) {
      EXPECT_EQ(found.integers(spec.name), expected.integers(spec.name));
    } else if (!spec.linear) {
      EXPECT_EQ(found.floats(spec.name), expected.floats(spec.name));
    } else {
      EXPECT_EQ(text_of(found.linear(spec.name).data), text_of(expected.linear(spec.name).data)) << spec.name;
      EXPECT_EQ(text_of(found.linear(spec.name).scale), text_of(expected.linear(spec.name).scale)) << spec.name;
    }
  }
}

TEST(Checkpoint, TransformersNamesLoadToTheSameBytes) {
  for (const char* oracle : {"tiny-flash", "tiny-pro"})
    for (const bool stacked : {false, true}) {
      const TemporaryDirectory directory;
      const Checkpoint expected = Checkpoint::open(std::filesystem::path(FATHOM_TEST_DATA) / oracle);
      testing::write_checkpoint(directory.path(), oracle,
                                testing::as_transformers(oracle_tensors(oracle), expected.config(), stacked));
      const Checkpoint found = Checkpoint::open(directory.path());
      EXPECT_EQ(found.config().mtp_layers, 0);
      expect_same_bytes(found, expected);
    }
}

// A conversion that dequantised: every linear as BF16, no scales.
TEST(Checkpoint, WidenedWeightsLoad) {
  const TemporaryDirectory directory;
  LooseTensors tensors;
  for (testing::LooseTensor& tensor : oracle_tensors("tiny-flash")) {
    if (tensor.name.ends_with(".scale")) continue;
    if (tensor.dtype == "I8") tensor.shape[1] *= 2;
    if (tensor.dtype == "I8" || tensor.dtype == "F8_E4M3") {
      tensor.dtype = "BF16";
      tensor.bytes.assign(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1] * 2), '\x3f');
    }
    tensors.push_back(std::move(tensor));
  }
  testing::write_checkpoint(directory.path(), "tiny-flash", tensors);
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  EXPECT_EQ(checkpoint.linear("layers.0.attn.wq_a").format, WeightFormat::bf16);
  EXPECT_EQ(checkpoint.linear("layers.0.ffn.experts.0.w1").format, WeightFormat::bf16);
  EXPECT_EQ(checkpoint.linear("layers.0.ffn.experts.0.w1").in, 128);
  EXPECT_TRUE(checkpoint.linear("layers.0.ffn.experts.0.w1").scale.empty());
}

TEST(Checkpoint, DirectoriesWithoutACheckpoint) {
  EXPECT_NE(error_of([] { Checkpoint::open("/no/such/directory"); }).find("/no/such/directory/config.json"),
            std::string::npos);
  const TemporaryDirectory directory;
  std::filesystem::copy_file(FATHOM_TEST_DATA "/tiny-flash/config.json", directory / "config.json");
  EXPECT_NE(error_of([&] { Checkpoint::open(directory.path()); }).find("found 0 safetensors files"), std::string::npos);
}

TEST(Checkpoint, AnotherModelsConfigIsRefused) {
  const TemporaryDirectory directory;
  std::filesystem::copy_file(FATHOM_TEST_DATA "/tiny-flash/config.json", directory / "config.json");
  std::filesystem::copy_file(FATHOM_TEST_DATA "/tiny-pro/model.safetensors", directory / "model.safetensors");
  const std::string error = error_of([&] { Checkpoint::open(directory.path()); });
  EXPECT_NE(error.find("embed.weight (BF16 [384, 192] in model.safetensors) has shape [384, 192], expected [512, 128]"),
            std::string::npos)
      << error;
}

}  // namespace
}  // namespace fathom
