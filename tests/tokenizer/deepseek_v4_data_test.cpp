#include "fathom/tokenizer/deepseek_v4_data.h"

#include <gtest/gtest.h>

#include "fathom/base/mapped_file.h"

namespace fathom {
namespace {

TEST(DeepSeekV4Data, IsTheFile) {
  const std::string file = read_text_file(FATHOM_SOURCE "/data/deepseek-v4/tokenizer.json.zst");
  EXPECT_TRUE(deepseek_v4_tokenizer_zst() == file);
  EXPECT_LE(file.size(), 2'000'000U);
}

}  // namespace
}  // namespace fathom
