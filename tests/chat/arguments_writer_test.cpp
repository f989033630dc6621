#include "fathom/chat/arguments_writer.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

TEST(ArgumentsWriter, GrowsIntoOneObject) {
  ArgumentsWriter writer;
  std::string out;
  writer.add_json("n", "1e+21", out);
  writer.begin_string("te\"xt", out);
  ArgumentsWriter::append_string("a\n", out);
  ArgumentsWriter::append_string("", out);
  ArgumentsWriter::append_string("汉", out);
  ArgumentsWriter::end_string(out);
  writer.add_string("", "", out);
  writer.finish(out);
  EXPECT_EQ(out, R"({"n": 1e+21, "te\"xt": "a\n汉", "": ""})");
  EXPECT_TRUE(writer.has("te\"xt"));
  EXPECT_FALSE(writer.has("x"));
}

TEST(ArgumentsWriter, NothingIsTheEmptyObject) {
  std::string out;
  ArgumentsWriter().finish(out);
  EXPECT_EQ(out, "{}");
}

TEST(ArgumentsWriter, RefusesANameTwice) {
  ArgumentsWriter writer;
  std::string out;
  writer.add_json("a", "1", out);
  EXPECT_THROW(writer.add_json("a", "2", out), InternalError);
}

}  // namespace
}  // namespace fathom
