#include "fathom/api/chunk_writer.h"

#include <gtest/gtest.h>

#include "tests/api/writer_support.h"

namespace fathom::api {
namespace {

TEST(ChunkWriter, FramesAroundAChoice) {
  const std::string head = R"(data: {"id":"91cfbb94-554b-4136-8e21-fa02280d56ed","object":"o","created":1782933026,)"
                           R"("model":"deepseek-v4-pro","system_fingerprint":"fp_test","choices":[)";
  const ChunkWriter plain({.stream = true, .object = "o"}, test::identity());
  EXPECT_EQ(plain.chunk("{}"), head + "{}]}\n\n");
  EXPECT_EQ(plain.chunk("{}", "{\"n\":1}"), head + "{}],\"usage\":{\"n\":1}}\n\n");
  const ChunkWriter with_usage({.stream = true, .include_usage = true, .object = "o"}, test::identity());
  EXPECT_EQ(with_usage.chunk("{}"), head + "{}],\"usage\":null}\n\n");
  EXPECT_EQ(with_usage.chunk("{}", "{}"), head + "{}],\"usage\":{}}\n\n");
}

TEST(ChunkWriter, WhatAModelsNameHoldsIsEscaped) {
  AnswerIdentity identity = test::identity();
  identity.model = "a\"b\n";
  EXPECT_NE(ChunkWriter({.stream = true, .object = "o"}, identity).chunk("{}").find(R"("model":"a\"b\n")"),
            std::string::npos);
}

TEST(ChunkWriter, SilenceIsACommentOrAnEmptyLine) {
  EXPECT_EQ(ChunkWriter({.stream = true, .object = "o"}, test::identity()).keep_alive(), ": keep-alive\n\n");
  EXPECT_EQ(ChunkWriter({.stream = false, .object = "o"}, test::identity()).keep_alive(), "\n");
}

}  // namespace
}  // namespace fathom::api
