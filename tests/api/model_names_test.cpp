#include "fathom/api/model_names.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/api/surface_support.h"

namespace fathom::api {
namespace {

constexpr std::int64_t kBefore = kOldNamesUntil - 1;

std::string chosen(std::string_view name, Surface surface, std::int64_t now = kBefore, Policy policy = test::policy()) {
  std::string id;
  const std::string refused = test::refusal([&] {
    const ModelChoice choice = choose_model(name, surface, policy, now);
    id = choice.id;
    if (choice.thinking == NamedThinking::off_at_first) id += ", off";
    if (choice.thinking == NamedThinking::on) id += ", on";
  });
  return refused == "none" ? id : refused;
}

std::string unknown(const std::string& name) {
  return "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed " + name + ".";
}

constexpr Surface kSurfaces[] = {Surface::chat, Surface::completions, Surface::anthropic, Surface::responses};

TEST(ModelNames, ServedAndOldNamesOnEverySurface) {
  for (const Surface surface : kSurfaces) {
    EXPECT_EQ(chosen("deepseek-v4-pro", surface), "deepseek-v4-pro");
    EXPECT_EQ(chosen("deepseek-v4-flash", surface), "deepseek-v4-flash");
    EXPECT_EQ(chosen("deepseek-v4-pro[1m]", surface), "deepseek-v4-pro");
    EXPECT_EQ(chosen("deepseek-chat", surface), "deepseek-v4-flash, off");
    EXPECT_EQ(chosen("deepseek-reasoner", surface), "deepseek-v4-flash, on");
    EXPECT_EQ(chosen("deepseek-chat[1m]", surface), "deepseek-v4-flash, off");
  }
}

TEST(ModelNames, NobodysNames) {
  for (const Surface surface : {Surface::chat, Surface::completions, Surface::responses})
    for (const std::string name :
         {"DeepSeek-v4-flash", "deepseek/deepseek-v4-flash", "DeepSeek-V4-Flash-0731", "", "claude-opus-4-8",
          " deepseek-v4-pro", "deepseek-v4-pro[1M]", "[1m]", "deepseek-v4-pro[1m][1m]"})
      EXPECT_EQ(chosen(name, surface), unknown(name));
  EXPECT_LT(chosen(std::string(100000, 'x'), Surface::chat).size(), 400U);
}

TEST(ModelNames, ClaudesNamesOnItsOwnSurface) {
  EXPECT_EQ(chosen("claude-opus-4-8", Surface::anthropic), "deepseek-v4-pro");
  EXPECT_EQ(chosen("claude-3-opus-20240229", Surface::anthropic), "deepseek-v4-pro");
  EXPECT_EQ(chosen("claude-sonnet-4-6[1m]", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("claude-haiku-4-5-20251001", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("opus", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("whatever", Surface::anthropic), "deepseek-v4-flash");
  EXPECT_EQ(chosen("", Surface::anthropic), "deepseek-v4-flash");
}

TEST(ModelNames, OldNamesAfterTheirTime) {
  Policy keeps = test::policy();
  keeps.keep_old_names = true;
  for (const Surface surface : kSurfaces) {
    EXPECT_EQ(chosen("deepseek-chat", surface, kOldNamesUntil),
              unknown("deepseek-chat") +
                  " deepseek-chat was retired on 2026-07-24; it stood for deepseek-v4-flash with \"thinking\": "
                  "{\"type\": \"disabled\"}.");
    EXPECT_EQ(chosen("deepseek-reasoner[1m]", surface, kOldNamesUntil),
              unknown("deepseek-reasoner[1m]") +
                  " deepseek-reasoner was retired on 2026-07-24; it stood for deepseek-v4-flash with \"thinking\": "
                  "{\"type\": \"enabled\"}.");
    EXPECT_EQ(chosen("deepseek-chat", surface, kOldNamesUntil, keeps), "deepseek-v4-flash, off");
  }
  EXPECT_EQ(kOldNamesUntil, 1784908740) << "2026-07-24 15:59 UTC";
}

TEST(ModelNames, OneModelStandsInForTheOther) {
  Policy one = test::policy();
  one.models.erase(one.models.begin());
  EXPECT_EQ(chosen("claude-haiku", Surface::anthropic, kBefore, one), "deepseek-v4-pro");
  EXPECT_EQ(chosen("deepseek-chat", Surface::chat, kBefore, one), "deepseek-v4-pro, off");
  EXPECT_EQ(chosen("deepseek-v4-flash", Surface::responses, kBefore, one),
            "The supported API model names are deepseek-v4-pro, but you passed deepseek-v4-flash.");
  EXPECT_EQ(served_model(one, "deepseek-v4-pro").context_tokens, 1048576);
  EXPECT_THROW(served_model(one, "x"), InternalError);
  one.models = {{.id = "a"}, {.id = "b"}, {.id = "c"}};
  EXPECT_EQ(chosen("d", Surface::chat, kBefore, one), "The supported API model names are c, b or a, but you passed d.");
  one.models.clear();
  EXPECT_THROW(choose_model("a", Surface::chat, one, kBefore), InternalError);
}

}  // namespace
}  // namespace fathom::api
