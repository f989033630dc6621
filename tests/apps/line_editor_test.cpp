#include "fathom/apps/line_editor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

namespace fathom::testing {
namespace {

// Standard input is no terminal here, whatever runs the tests. Editing itself is chat_command_test's, at a terminal.
class LineEditorTest : public ::testing::Test {
 protected:
  LineEditorTest() : saved_(::dup(0)) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, 0);
    ::close(nothing);
  }
  ~LineEditorTest() override {
    ::dup2(saved_, 0);
    ::close(saved_);
    std::cin.rdbuf(before_);
    std::cin.clear();
  }
  void give(const std::string& text) {
    input_.str(text);
    std::cin.rdbuf(input_.rdbuf());
    std::cin.clear();
  }

  Interrupt interrupt_;

 private:
  int saved_;
  std::streambuf* before_ = std::cin.rdbuf();
  std::istringstream input_;
};

TEST_F(LineEditorTest, ReadsPlainLinesAndShowsNoPrompt) {
  give("first\n\n  third \xFF\nlast");
  LineEditor editor("", interrupt_);
  EXPECT_FALSE(editor.interactive());
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(editor.read("> "), "first");
  EXPECT_EQ(editor.read("> "), "");
  EXPECT_EQ(editor.read("> "), "  third \xFF");
  EXPECT_EQ(editor.read("> "), "last") << "a last line needs no end";
  EXPECT_EQ(editor.read("> "), std::nullopt);
  EXPECT_EQ(editor.read("> "), std::nullopt);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST_F(LineEditorTest, NothingIsTheEnd) {
  give("");
  LineEditor editor("", interrupt_);
  EXPECT_EQ(editor.read(""), std::nullopt);
}

TEST_F(LineEditorTest, NoHistoryIsKeptOfAPipe) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "line_editor_test" / "history";
  give("a line\n");
  LineEditor editor(file, interrupt_);
  editor.read("> ");
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(DefaultHistoryFile, FollowsTheEnvironment) {
  const auto with = [](const char* state, const char* home) {
    state != nullptr ? ::setenv("XDG_STATE_HOME", state, 1) : ::unsetenv("XDG_STATE_HOME");
    home != nullptr ? ::setenv("HOME", home, 1) : ::unsetenv("HOME");
    return default_history_file().string();
  };
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const std::string old_state = state == nullptr ? "" : state;
  const std::string old_home = home == nullptr ? "" : home;
  EXPECT_EQ(with("/state", "/home/me"), "/state/fathom/history");
  EXPECT_EQ(with(nullptr, "/home/me"), "/home/me/.local/state/fathom/history");
  EXPECT_EQ(with("", "/home/me"), "/home/me/.local/state/fathom/history");
  EXPECT_EQ(with(nullptr, nullptr), "");
  EXPECT_EQ(with("", ""), "");
  with(state == nullptr ? nullptr : old_state.c_str(), home == nullptr ? nullptr : old_home.c_str());
}

}  // namespace
}  // namespace fathom::testing
