#include "fathom/api/response_item.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

TEST(ResponseItem, IdsTellKindResponseAndPlace) {
  EXPECT_EQ(item_id(ItemKind::reasoning, "91cf-bb", 0), "rs_91cfbb_0");
  EXPECT_EQ(item_id(ItemKind::message, "91cf-bb", 1), "msg_91cfbb_1");
  EXPECT_EQ(item_id(ItemKind::function_call, "91cf-bb", 12), "fc_91cfbb_12");
  EXPECT_EQ(item_id(ItemKind::custom_call, "91cf-bb", 2), "ctc_91cfbb_2");
}

TEST(ResponseItem, AnnouncedWithoutItsText) {
  const ResponseItem message{.kind = ItemKind::message, .id = "m", .text = "a", .logprobs = "[1]"};
  EXPECT_EQ(item_json(message, ItemStatus::in_progress),
            R"({"type":"message","id":"m","status":"in_progress","role":"assistant","content":[]})");
  EXPECT_EQ(part_json(message, false), R"({"type":"output_text","text":"","annotations":[],"logprobs":[]})");
  EXPECT_EQ(item_json(message, ItemStatus::incomplete),
            R"({"type":"message","id":"m","status":"incomplete","role":"assistant","content":[{"type":"output_text",)"
            R"("text":"a","annotations":[],"logprobs":[1]}]})");
  const ResponseItem call{
      .kind = ItemKind::function_call, .id = "c", .text = "{}", .call_id = "1", .name = "f", .name_space = "n"};
  EXPECT_EQ(item_json(call, ItemStatus::in_progress), R"({"type":"function_call","id":"c","status":"in_progress",)"
                                                      R"("call_id":"1","name":"f","namespace":"n","arguments":""})");
}

TEST(ResponseItem, TheTextOfACustomTool) {
  EXPECT_EQ(custom_input(R"({"input": "a\nb", "x": 1})"), "a\nb");
  EXPECT_EQ(custom_input(R"({"patch": "p"})"), "p");
  EXPECT_EQ(custom_input(R"({"patch": 3})"), R"({"patch": 3})");
  EXPECT_EQ(custom_input(R"({"input": null, "y": "z"})"), R"({"input": null, "y": "z"})");
  EXPECT_EQ(custom_input("{}"), "{}");
  EXPECT_EQ(custom_input("no JSON"), "no JSON");
  EXPECT_EQ(custom_input("[\"a\"]"), "[\"a\"]");
}

}  // namespace
}  // namespace fathom::api
