#include "fathom/api/call_pairing.h"

#include <gtest/gtest.h>

namespace fathom::api {
namespace {

// "u": the user; "a12": an assistant that calls 1 and 2; "r1": the result of 1.
std::vector<ChatMessage> conversation(const std::vector<std::string>& steps) {
  std::vector<ChatMessage> messages;
  for (const std::string& step : steps) {
    ChatMessage& message = messages.emplace_back();
    if (step[0] == 'u') message.content = "hello";
    if (step[0] == 'r') {
      message.role = Role::tool;
      message.tool_call_id = step.substr(1);
    }
    if (step[0] == 'a') {
      message.role = Role::assistant;
      for (const char id : step.substr(1))
        message.tool_calls.push_back({.id = std::string(1, id), .name = "f", .arguments = "{}"});
    }
  }
  return messages;
}

std::string fault(const std::vector<std::string>& steps) {
  const auto alone = find_unpaired_call(conversation(steps));
  if (!alone) return "none";
  return (alone->fault == UnpairedCall::Fault::no_result ? "no result " : "no call ") + alone->id;
}

TEST(CallPairing, PairedInAnyOrder) {
  EXPECT_EQ(fault({}), "none");
  EXPECT_EQ(fault({"u", "a", "u", "a"}), "none");
  EXPECT_EQ(fault({"u", "a12", "r2", "r1", "a", "u"}), "none");
  EXPECT_EQ(fault({"u", "a12", "u", "r2", "u", "r1", "u", "a3", "r3"}), "none");
  EXPECT_EQ(fault({"u", "a1", "r1", "a1", "r1"}), "none") << "an id may come again";
  EXPECT_EQ(fault({"u", "a1", "r1", "r1"}), "none") << "two results of one call";
}

TEST(CallPairing, WhoIsAlone) {
  EXPECT_EQ(fault({"u", "a1"}), "no result 1");
  EXPECT_EQ(fault({"u", "a12", "r1", "u"}), "no result 2");
  EXPECT_EQ(fault({"u", "a12", "r2", "a", "r1"}), "no result 1") << "too late";
  EXPECT_EQ(fault({"r1"}), "no call 1");
  EXPECT_EQ(fault({"u", "a1", "r2", "r1"}), "no call 2");
  EXPECT_EQ(fault({"u", "a1", "r1", "a2", "r2", "r1"}), "no call 1") << "of an earlier turn";
  EXPECT_EQ(fault({"u", "a", "r"}), "no call ");
}

}  // namespace
}  // namespace fathom::api
