#include "fathom/api/responses_writer.h"

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
const std::string kItem =
    "91cfbb94554b4136"
    "8e21fa02280d56ed_";
const Usage kUsage{.prompt_tokens = 100, .cached_tokens = 64, .completion_tokens = 20, .reasoning_tokens = 5};
const std::string kUsageJson = R"({"input_tokens":100,"input_tokens_details":{"cached_tokens":64},"output_tokens":20,)"
                               R"("output_tokens_details":{"reasoning_tokens":5},"total_tokens":120})";

Call responses_call(bool stream) {
  Call call;
  call.surface = Surface::responses;
  call.stream = stream;
  call.store = false;
  call.echo = R"("instructions":"i","tools":[])";
  call.tools = {{.name = "f", .parameters = "{}"},
                {.name = "apply_patch", .parameters = "{}", .custom = true},
                {.name = "two__g", .parameters = "{}", .name_space = "two", .client_name = "g"}};
  return call;
}

AnswerEnding ended(EndReason reason) { return {.reason = reason, .stop_string = {}, .usage = kUsage}; }

std::string written(bool stream, const std::vector<AnswerDelta>& deltas, const AnswerEnding& ending) {
  return test::write_all(*write_responses(responses_call(stream), test::identity()), deltas, ending);
}

std::string response(std::string_view status, std::string_view output, std::string_view usage = kUsageJson) {
  return R"({"id":")" + kId + R"(","object":"response","created_at":1782933026,"status":")" + std::string(status) +
         R"(","background":false,"error":null,"incomplete_details":null,"model":"deepseek-v4-pro","output":)" +
         std::string(output) +
         R"(,"parallel_tool_calls":true,"previous_response_id":null,"store":false,"instructions":"i","tools":[],"usage":)" +
         std::string(usage) + "}";
}

std::string frame(std::string_view type, int number, std::string_view rest) {
  return "event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type) +
         "\",\"sequence_number\":" + std::to_string(number) + "," + std::string(rest) + "}\n\n";
}

std::string inside(std::string_view prefix, int index, bool part) {
  return R"("item_id":")" + std::string(prefix) + kItem + std::to_string(index) + R"(","output_index":)" +
         std::to_string(index) + (part ? R"(,"content_index":0,)" : ",");
}

std::string head(std::string_view type, std::string_view prefix, int index, std::string_view status) {
  return R"({"type":")" + std::string(type) + R"(","id":")" + std::string(prefix) + kItem + std::to_string(index) +
         R"(","status":")" + std::string(status) + "\",";
}

TEST(ResponsesWriter, AStreamByteForByte) {
  const std::string thought = R"({"type":"reasoning_text","text":"Let me look."})";
  const std::string said = R"({"type":"output_text","text":"Hm.","annotations":[]})";
  const std::string item0 = head("reasoning", "rs_", 0, "completed") + R"("summary":[],"content":[)" + thought + "]}";
  const std::string item1 = head("message", "msg_", 1, "completed") + R"("role":"assistant","content":[)" + said + "]}";
  const std::string called = R"("call_id":")" + call_id(kId, 0) + R"(","name":"f","arguments":)";
  const std::string item2 = head("function_call", "fc_", 2, "completed") + called + R"("{\"a\": 1}"})";

  std::string expected;
  expected += frame("response.created", 0, R"("response":)" + response("in_progress", "[]", "null"));
  expected += frame("response.in_progress", 1, R"("response":)" + response("in_progress", "[]", "null"));
  expected += frame(
      "response.output_item.added", 2,
      R"("output_index":0,"item":)" + head("reasoning", "rs_", 0, "in_progress") + R"("summary":[],"content":[]})");
  expected +=
      frame("response.content_part.added", 3, inside("rs_", 0, true) + R"("part":{"type":"reasoning_text","text":""})");
  expected += frame("response.reasoning_text.delta", 4, inside("rs_", 0, true) + R"("delta":"Let me ")");
  expected += frame("response.reasoning_text.delta", 5, inside("rs_", 0, true) + R"("delta":"look.")");
  expected += frame("response.reasoning_text.done", 6, inside("rs_", 0, true) + R"("text":"Let me look.")");
  expected += frame("response.content_part.done", 7, inside("rs_", 0, true) + R"("part":)" + thought);
  expected += frame("response.output_item.done", 8, R"("output_index":0,"item":)" + item0);
  expected += frame("response.output_item.added", 9,
                    R"("output_index":1,"item":)" + head("message", "msg_", 1, "in_progress") +
                        R"("role":"assistant","content":[]})");
  expected += frame("response.content_part.added", 10,
                    inside("msg_", 1, true) + R"("part":{"type":"output_text","text":"","annotations":[]})");
  expected += frame("response.output_text.delta", 11, inside("msg_", 1, true) + R"("delta":"Hm.")");
  expected += frame("response.output_text.done", 12, inside("msg_", 1, true) + R"("text":"Hm.")");
  expected += frame("response.content_part.done", 13, inside("msg_", 1, true) + R"("part":)" + said);
  expected += frame("response.output_item.done", 14, R"("output_index":1,"item":)" + item1);
  expected += frame("response.output_item.added", 15,
                    R"("output_index":2,"item":)" + head("function_call", "fc_", 2, "in_progress") + called + R"(""})");
  expected += frame("response.function_call_arguments.delta", 16, inside("fc_", 2, false) + R"("delta":"{\"a\": 1")");
  expected += frame("response.function_call_arguments.delta", 17, inside("fc_", 2, false) + R"("delta":"}")");
  expected += frame("response.function_call_arguments.done", 18,
                    inside("fc_", 2, false) + R"("name":"f","arguments":"{\"a\": 1}")");
  expected += frame("response.output_item.done", 19, R"("output_index":2,"item":)" + item2);
  expected += frame("response.completed", 20,
                    R"("response":)" + response("completed", "[" + item0 + "," + item1 + "," + item2 + "]"));
  const std::vector<AnswerDelta> deltas = {reasoning("Let me "), reasoning("look."),         content("Hm."),
                                           call_start(0, "f"),   arguments(0, "{\"a\": 1}"), call_end(0)};
  EXPECT_EQ(written(true, deltas, ended(EndReason::tool_calls)), expected);
}

TEST(ResponsesWriter, CustomToolsGetTheirText) {
  const std::vector<AnswerDelta> deltas = {call_start(0, "apply_patch"), arguments(0, "{\"input\": \"*** Be"),
                                           arguments(0, "gin\\n\""), arguments(0, "}"), call_end(0)};
  const std::string stream = written(true, deltas, ended(EndReason::tool_calls));
  EXPECT_EQ(test::event_names(stream),
            "response.created\nresponse.in_progress\nresponse.output_item.added\n"
            "response.custom_tool_call_input.delta\nresponse.custom_tool_call_input.done\nresponse.output_item.done\n"
            "response.completed\n");
  const auto events = test::events_of(stream);
  EXPECT_EQ(test::text_at(events[3].second, {"delta"}), "*** Begin\n");
  EXPECT_EQ(test::text_at(events[4].second, {"input"}), "*** Begin\n");
  EXPECT_EQ(test::text_at(events[5].second, {"item", "type"}), "custom_tool_call");
  EXPECT_EQ(test::text_at(events[5].second, {"item", "input"}), "*** Begin\n");
  EXPECT_EQ(test::text_at(events[5].second, {"item", "arguments"}), "(absent)");
}

TEST(ResponsesWriter, NamespacesComeBack) {
  const auto events = test::events_of(
      written(true, {call_start(0, "two__g"), arguments(0, "{}"), call_end(0)}, ended(EndReason::tool_calls)));
  EXPECT_EQ(test::text_at(events[2].second, {"item", "name"}), "g");
  EXPECT_EQ(test::text_at(events[2].second, {"item", "namespace"}), "two");
}

TEST(ResponsesWriter, ACallThatWasCutOffIsNeverDone) {
  const std::vector<AnswerDelta> deltas = {content("a"), call_start(0, "f"), arguments(0, "{\"path\": \"/"),
                                           arguments(0, "\"}"), call_end(0, false)};
  const std::string stream = written(true, deltas, ended(EndReason::length));
  EXPECT_EQ(test::event_names(stream.substr(stream.find("event: response.output_item.done"))),
            "response.output_item.done\nresponse.output_item.added\nresponse.function_call_arguments.delta x2\n"
            "response.incomplete\n");
  const JsonValue last = test::events_of(stream).back().second;
  EXPECT_EQ(test::text_at(last, {"response", "incomplete_details", "reason"}), "max_output_tokens");
  const JsonValue& call = last.find("response")->find("output")->elements.at(1);
  EXPECT_EQ(test::text_at(call, {"status"}), "incomplete");
  EXPECT_EQ(test::text_at(call, {"arguments"}), R"({"path": "/")");
  const JsonValue body = read_json(written(false, deltas, ended(EndReason::length)), "body");
  EXPECT_EQ(write_json(body), write_json(*last.find("response")));
}

TEST(ResponsesWriter, TextThatWasCutOffIsIncomplete) {
  const auto events = test::events_of(written(true, {reasoning("a"), content("b")}, ended(EndReason::length)));
  const JsonValue& output = *events.back().second.find("response")->find("output");
  EXPECT_EQ(test::text_at(output.elements.at(0), {"status"}), "completed");
  EXPECT_EQ(test::text_at(output.elements.at(1), {"status"}), "incomplete");
  EXPECT_EQ(events[events.size() - 2].first, "response.output_item.done");
}

TEST(ResponsesWriter, KeepAliveIsAnEventThatCounts) {
  const auto writer = write_responses(responses_call(true), test::identity());
  std::string stream = writer->begin({});
  stream += writer->keep_alive();
  stream += writer->piece(content("a"));
  stream += writer->keep_alive();
  stream += writer->piece(content("b"));
  stream += writer->finish(ended(EndReason::stop_string));
  std::int64_t number = 0;
  for (const auto& [name, data] : test::events_of(stream))
    EXPECT_EQ(test::text_at(data, {"sequence_number"}), std::to_string(number++));
  EXPECT_EQ(test::event_names(stream),
            "response.created\nresponse.in_progress x2\nresponse.output_item.added\nresponse.content_part.added\n"
            "response.output_text.delta\nresponse.in_progress\nresponse.output_text.delta\nresponse.output_text.done\n"
            "response.content_part.done\nresponse.output_item.done\nresponse.completed\n");
  EXPECT_EQ(write_responses(responses_call(false), test::identity())->keep_alive(), "");
}

TEST(ResponsesWriter, FailuresInTheMiddle) {
  for (const bool thrown : {true, false}) {
    const auto writer = write_responses(responses_call(true), test::identity());
    std::string stream = writer->begin({}) + writer->piece(content("half"));
    stream +=
        thrown ? writer->fail(ApiError(500, "server_error", "lost")) : writer->finish(ended(EndReason::overloaded));
    const auto events = test::events_of(stream);
    EXPECT_EQ(events.back().first, "response.failed");
    EXPECT_EQ(test::text_at(events.back().second, {"response", "status"}), "failed");
    EXPECT_EQ(test::text_at(events.back().second, {"response", "error", "code"}), "server_error");
    EXPECT_EQ(events[events.size() - 2].first, "response.output_text.delta") << "nothing is said to be done";
    const JsonValue& item = events.back().second.find("response")->find("output")->elements.at(0);
    EXPECT_EQ(test::text_at(item, {"status"}), "incomplete");
  }
  const ApiError error(500, "server_error", "lost");
  EXPECT_EQ(write_responses(responses_call(false), test::identity())->fail(error), error_body(error, false));
}

TEST(ResponsesWriter, WithLogprobsTheTextWaitsForItsTokens) {
  Call call = responses_call(true);
  call.sampling.top_logprobs = 1;
  const auto writer = write_responses(call, test::identity());
  writer->begin({});
  EXPECT_EQ(test::event_names(writer->piece(reasoning("r"))),
            "response.output_item.added\nresponse.content_part.added\nresponse.reasoning_text.delta\n");
  writer->piece(content("a"));
  EXPECT_EQ(writer->piece(content("ü")), "");
  const std::vector<TokenText> tokens = {
      {.bytes = "</think>", .logprob = 0, .top = {}, .reasoning = true},
      {.bytes = "a", .logprob = -0.5, .top = {{.bytes = "\xC3", .logprob = -1}}, .reasoning = false}};
  const auto events = test::events_of(writer->tokens(tokens));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(test::text_at(events[0].second, {"delta"}), "aü");
  const std::string logprobs = R"([{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "�", )"
                               R"("logprob": -1.0, "bytes": [195]}]}])";
  EXPECT_EQ(test::text_at(events[0].second, {"logprobs"}), logprobs);
  writer->piece(content("left"));
  const auto rest = test::events_of(writer->finish(ended(EndReason::stop)));
  EXPECT_EQ(rest.front().first, "response.output_text.delta");
  EXPECT_EQ(test::text_at(rest.front().second, {"logprobs"}), "[]");
  EXPECT_EQ(test::text_at(rest[1].second, {"logprobs"}), logprobs);
}

TEST(ResponsesWriter, StoredOnesSaySo) {
  Call call = responses_call(false);
  call.store = true;
  call.previous_response = "before\"";
  const JsonValue body = read_json(write_responses(call, test::identity())->finish(ended(EndReason::stop)), "body");
  EXPECT_EQ(test::text_at(body, {"store"}), "true");
  EXPECT_EQ(test::text_at(body, {"previous_response_id"}), "before\"");
  EXPECT_EQ(test::text_at(body, {"output"}), "[]");
}

// Items as a client puts them together from deltas; they must be what output_item.done and the response say.
std::string accumulated(std::string_view stream) {
  JsonArray items;
  std::string text, done;
  for (const auto& [event, data] : test::events_of(stream)) {
    if (event == "response.output_item.added") text = "";
    if (event.ends_with(".delta")) text += data.find("delta")->text;
    for (const std::string_view whole : {"text", "arguments", "input"}) {
      if (!event.ends_with(".done") || data.find(whole) == nullptr) continue;
      EXPECT_EQ(text, data.find(whole)->text);
    }
    if (event == "response.output_item.done") items.add(write_json(*data.find("item")));
  }
  return write_json(read_json(items.close(), "items"));
}

TEST(ResponsesWriter, AStreamJoinedIsTheBody) {
  for (const std::string& completion : test::completions())
    for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
      const std::vector<AnswerDelta> deltas = test::deltas_of(completion, piece, AnswerEnd::stopped);
      const JsonValue body = read_json(written(false, deltas, ended(EndReason::stop)), "body");
      const std::string stream = written(true, deltas, ended(EndReason::stop));
      EXPECT_EQ(accumulated(stream), test::text_at(body, {"output"})) << completion;
      EXPECT_EQ(test::text_at(test::events_of(stream).back().second, {"response"}), write_json(body));
    }
}

}  // namespace
}  // namespace fathom::api
