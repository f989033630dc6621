#include "fathom/api/anthropic_writer.h"

#include <gtest/gtest.h>

#include "fathom/api/call_ids.h"
#include "fathom/api/json_object.h"
#include "fathom/chat/json_text.h"
#include "tests/api/writer_support.h"

namespace fathom::api {
namespace {

using test::arguments;
using test::call_end;
using test::call_start;
using test::content;
using test::reasoning;

const std::string kId = test::identity().id;
const Usage kUsage{.prompt_tokens = 100, .cached_tokens = 64, .completion_tokens = 20, .reasoning_tokens = 5};

std::unique_ptr<AnswerWriter> writer(bool stream) {
  Call call;
  call.surface = Surface::anthropic;
  call.stream = stream;
  return write_anthropic(call, test::identity());
}

std::string written(bool stream, const std::vector<AnswerDelta>& deltas, const AnswerEnding& ending) {
  return test::write_all(*writer(stream), deltas, ending, {.prompt_tokens = 100, .cached_tokens = 64});
}

const std::vector<AnswerDelta> kWeather = {reasoning("Let me "),       reasoning("look."), content("I'll "),
                                           content("check."),          call_start(0, "f"), arguments(0, "{\"a\""),
                                           arguments(0, ": \"ü\\n\""), arguments(0, "}"),  call_end(0),
                                           call_start(1, "g"),         arguments(1, "{}"), call_end(1)};

TEST(AnthropicWriter, AStreamByteForByte) {
  const std::string expected =
      "event: message_start\n"
      R"(data: {"type":"message_start","message":{"id":")" +
      kId +
      R"(","type":"message","role":"assistant","model":"deepseek-v4-pro","content":[],"stop_reason":null,)"
      R"("stop_sequence":null,"usage":{"input_tokens":36,"cache_creation_input_tokens":0,)"
      R"("cache_read_input_tokens":64,"output_tokens":0,"service_tier":"standard"}}})"
      "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
      "event: content_block_start\n"
      R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"look."}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":")" +
      kId +
      "\"}}\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":0})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"I'll "}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"check."}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":1})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":")" +
      call_id(kId, 0) +
      R"(","name":"f","input":{}}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":": \"ü\\n\""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"}"}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":2})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":")" +
      call_id(kId, 1) +
      R"(","name":"g","input":{}}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{"}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"}"}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":3})"
      "\n\nevent: message_delta\n"
      R"(data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{)"
      R"("input_tokens":36,"cache_creation_input_tokens":0,"cache_read_input_tokens":64,"output_tokens":20,)"
      R"("output_tokens_details":{"thinking_tokens":5},"service_tier":"standard"}})"
      "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  EXPECT_EQ(written(true, kWeather, {.reason = EndReason::tool_calls, .stop_string = {}, .usage = kUsage}), expected);
}

TEST(AnthropicWriter, ABodyByteForByte) {
  const std::string expected =
      R"({"id":")" + kId +
      R"(","type":"message","role":"assistant","model":"deepseek-v4-pro","content":[)"
      R"({"type":"thinking","thinking":"Let me look.","signature":")" +
      kId +
      R"("},{"type":"text","text":"I'll check."},)"
      R"({"type":"tool_use","id":")" +
      call_id(kId, 0) +
      R"(","name":"f","input":{"a": "ü\n"}},)"
      R"({"type":"tool_use","id":")" +
      call_id(kId, 1) +
      R"(","name":"g","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":36,)"
      R"("cache_creation_input_tokens":0,"cache_read_input_tokens":64,"output_tokens":20,)"
      R"("output_tokens_details":{"thinking_tokens":5},"service_tier":"standard"}})";
  EXPECT_EQ(written(false, kWeather, {.reason = EndReason::tool_calls, .stop_string = {}, .usage = kUsage}), expected);
}

TEST(AnthropicWriter, WhyItStopped) {
  const auto stop = [](const AnswerEnding& ending) {
    const JsonValue body = read_json(written(false, {content("a")}, ending), "body");
    const auto events = test::events_of(written(true, {content("a")}, ending));
    const JsonValue& delta = *events[events.size() - 2].second.find("delta");
    EXPECT_EQ(test::text_at(delta, {"stop_reason"}), test::text_at(body, {"stop_reason"}));
    EXPECT_EQ(test::text_at(delta, {"stop_sequence"}), test::text_at(body, {"stop_sequence"}));
    return test::text_at(body, {"stop_reason"}) + " " + test::text_at(body, {"stop_sequence"});
  };
  EXPECT_EQ(stop({.reason = EndReason::stop, .stop_string = {}, .usage = {}}), "end_turn null");
  EXPECT_EQ(stop({.reason = EndReason::length, .stop_string = {}, .usage = {}}), "max_tokens null");
  EXPECT_EQ(stop({.reason = EndReason::tool_calls, .stop_string = {}, .usage = {}}), "tool_use null");
  EXPECT_EQ(stop({.reason = EndReason::stop_string, .stop_string = "\"END\"", .usage = {}}), "stop_sequence \"END\"");
}

TEST(AnthropicWriter, PingsAreForStreams) {
  EXPECT_EQ(writer(true)->keep_alive(), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
  EXPECT_EQ(writer(false)->keep_alive(), "");
  EXPECT_EQ(writer(false)->begin({}), "");
}

TEST(AnthropicWriter, FailuresInTheMiddle) {
  const auto answer = writer(true);
  answer->begin({});
  answer->piece(content("half"));
  const ApiError error(500, "api_error", "lost");
  EXPECT_EQ(answer->fail(error), "event: error\ndata: " + error_body(error, true) + "\n\n");
  EXPECT_EQ(writer(false)->fail(error), error_body(error, true));
  const ApiError full(503, "service_unavailable_error", "full");
  EXPECT_EQ(writer(true)->fail(full),
            "event: error\ndata: " + error_body(ApiError(503, "overloaded_error", "full"), true) + "\n\n");

  const AnswerEnding overloaded{.reason = EndReason::overloaded, .stop_string = {}, .usage = {}};
  const auto events = test::events_of(written(true, {content("half")}, overloaded));
  EXPECT_EQ(test::text_at(events.back().second, {"error", "type"}), "overloaded_error");
  EXPECT_EQ(test::text_at(read_json(written(false, {content("half")}, overloaded), "body"), {"error", "type"}),
            "overloaded_error");
}

TEST(AnthropicWriter, ACallThatWasCutOffCannotBeRun) {
  const std::vector<AnswerDelta> deltas = {content("a"), call_start(0, "rm"), arguments(0, "{\"path\": \"/"),
                                           arguments(0, "\"}"), call_end(0, false)};
  const AnswerEnding ending{.reason = EndReason::length, .stop_string = {}, .usage = {}};
  std::string sent;
  for (const auto& [name, data] : test::events_of(written(true, deltas, ending)))
    if (const JsonValue* delta = data.find("delta"))
      if (const JsonValue* json = delta->find("partial_json")) sent += json->text;
  EXPECT_EQ(sent, R"({"path": "/")");
  EXPECT_EQ(test::text_at(read_json(written(false, deltas, ending), "body"), {"content"}),
            R"([{"type": "text", "text": "a"}])");
}

TEST(AnthropicWriter, AnEmptyAnswerHasNoBlocks) {
  const AnswerEnding ending;
  EXPECT_EQ(test::event_names(written(true, {}, ending)), "message_start\nping\nmessage_delta\nmessage_stop\n");
  EXPECT_EQ(test::text_at(read_json(written(false, {reasoning(""), content("")}, ending), "body"), {"content"}), "[]");
}

// What Anthropic's own client does with a stream.
std::string accumulated(std::string_view stream) {
  JsonArray blocks;
  std::string kind, text, name, id, signature, last_reason, stop_sequence, usage;
  std::int64_t index = -1;
  for (const auto& [event, data] : test::events_of(stream)) {
    if (event == "content_block_start") {
      EXPECT_EQ(kind, "") << "blocks do not overlap";
      EXPECT_EQ(test::text_at(data, {"index"}), std::to_string(++index));
      kind = test::text_at(data, {"content_block", "type"});
      name = test::text_at(data, {"content_block", "name"});
      id = test::text_at(data, {"content_block", "id"});
      text = signature = "";
    } else if (event == "content_block_delta") {
      EXPECT_EQ(test::text_at(data, {"index"}), std::to_string(index));
      const JsonValue& delta = *data.find("delta");
      for (const std::string_view part : {"thinking", "text", "partial_json"})
        if (const JsonValue* piece = delta.find(part)) text += piece->text;
      if (const JsonValue* piece = delta.find("signature")) signature += piece->text;
    } else if (event == "content_block_stop") {
      JsonObject block;
      block.text("type", kind);
      if (kind == "tool_use") block.text("id", id).text("name", name).json("input", text);
      if (kind == "thinking") block.text("thinking", text).text("signature", signature);
      if (kind == "text") block.text("text", text);
      blocks.add(block.close());
      kind = "";
    } else if (event == "message_delta") {
      last_reason = test::text_at(data, {"delta", "stop_reason"});
      usage = test::text_at(data, {"usage"});
    }
  }
  return blocks.close() + last_reason + usage;
}

TEST(AnthropicWriter, AStreamJoinedIsTheBody) {
  for (const std::string& completion : test::completions())
    for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
      const std::vector<AnswerDelta> deltas = test::deltas_of(completion, piece, AnswerEnd::stopped);
      const AnswerEnding ending{.reason = EndReason::stop, .stop_string = {}, .usage = kUsage};
      const JsonValue body = read_json(written(false, deltas, ending), "body");
      const std::string joined = accumulated(written(true, deltas, ending));
      const std::string blocks = joined.substr(0, joined.rfind("]") + 1);
      EXPECT_EQ(write_json(read_json(blocks, "blocks")), test::text_at(body, {"content"})) << completion;
      EXPECT_EQ(joined.substr(blocks.size()), test::text_at(body, {"stop_reason"}) + test::text_at(body, {"usage"}));
    }
}

TEST(AnthropicWriter, CountedTokens) { EXPECT_EQ(anthropic_token_count(17883), R"({"input_tokens":17883})"); }

}  // namespace
}  // namespace fathom::api
