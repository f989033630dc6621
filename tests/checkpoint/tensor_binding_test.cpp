#include "fathom/checkpoint/tensor_binding.h"

#include <gtest/gtest.h>

#include "tests/checkpoint/checkpoint_support.h"

namespace fathom {
namespace {

// Every storage that a tensor's row allows binds; its neighbours in the row say which one it was.
TEST(TensorBinding, StoragesThatTheTableAllows) {
  const ModelConfig config = load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json");
  const std::vector<TensorSpec> table = tensor_table(config);
  const testing::TemporaryDirectory directory;
  for (std::size_t choice = 0; choice < 4; ++choice) {
    testing::LooseTensors tensors;
    for (const TensorSpec& spec : table)
      for (const StoredTensor& stored : stored_tensors(spec, spec.allowed[choice % spec.allowed.size()]))
        tensors.push_back({stored.name, std::string(stored.dtype), stored.shape,
                           std::string(static_cast<std::size_t>(stored.bytes()), '\0')});
    testing::write_text(directory / "model.safetensors", testing::file_text(tensors));
    std::vector<SafetensorsFile> files;
    files.emplace_back(directory / "model.safetensors");
    FaultList faults;
    const TensorPieces pieces = gather_pieces(files, config, faults);
    const std::vector<TensorBinding> bindings = bind_tensors(table, pieces, faults);
    EXPECT_EQ(testing::error_of([&] { faults.throw_if_any("test", "file"); }), "");
    ASSERT_EQ(bindings.size(), table.size());
    for (std::size_t row = 0; row < table.size(); ++row) {
      EXPECT_EQ(bindings[row].spec, &table[row]);
      EXPECT_EQ(bindings[row].storage, table[row].allowed[choice % table[row].allowed.size()]);
    }
  }
}

TEST(TensorBinding, FaultyRowsAreLeftOut) {
  const ModelConfig config = load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json");
  const std::vector<TensorSpec> table = tensor_table(config);
  FaultList faults;
  EXPECT_TRUE(bind_tensors(table, {}, faults).empty());
  EXPECT_FALSE(faults.empty());
}

}  // namespace
}  // namespace fathom
