#include "tests/api/writer_support.h"

#include <gtest/gtest.h>

namespace fathom::api::test {

AnswerIdentity identity() {
  return {.id = "91cfbb94-554b-4136-8e21-fa02280d56ed",
          .model = "deepseek-v4-pro",
          .fingerprint = "fp_test",
          .created = 1782933026};
}

AnswerDelta reasoning(std::string text) {
  return {.kind = AnswerDelta::Kind::reasoning, .text = std::move(text), .call = -1, .complete = true};
}
AnswerDelta content(std::string text) {
  return {.kind = AnswerDelta::Kind::content, .text = std::move(text), .call = -1, .complete = true};
}
AnswerDelta call_start(std::int64_t call, std::string name) {
  return {.kind = AnswerDelta::Kind::call_start, .text = std::move(name), .call = call, .complete = true};
}
AnswerDelta arguments(std::int64_t call, std::string text) {
  return {.kind = AnswerDelta::Kind::call_arguments, .text = std::move(text), .call = call, .complete = true};
}
AnswerDelta call_end(std::int64_t call, bool complete) {
  return {.kind = AnswerDelta::Kind::call_end, .text = {}, .call = call, .complete = complete};
}

std::string write_all(AnswerWriter& writer, const std::vector<AnswerDelta>& deltas, const AnswerEnding& ending,
                      const Usage& begun) {
  std::string out = writer.begin(begun);
  for (const AnswerDelta& delta : deltas) out += writer.piece(delta);
  return out + writer.finish(ending);
}

std::vector<std::pair<std::string, JsonValue>> events_of(std::string_view stream) {
  std::vector<std::pair<std::string, JsonValue>> events;
  while (!stream.empty()) {
    const std::size_t end = stream.find("\n\n");
    const std::size_t line = stream.find('\n');
    EXPECT_TRUE(stream.starts_with("event: ") && end != std::string_view::npos && line < end) << stream;
    if (end == std::string_view::npos || line >= end) break;
    const std::string name(stream.substr(7, line - 7));
    const std::string_view data = stream.substr(line + 1, end - line - 1);
    EXPECT_TRUE(data.starts_with("data: ") && data.find('\n') == std::string_view::npos) << data;
    EXPECT_TRUE(is_json_object(data.substr(6))) << data;
    events.emplace_back(name, read_json(data.substr(6), "event"));
    EXPECT_EQ(text_at(events.back().second, {"type"}), name);
    stream.remove_prefix(end + 2);
  }
  return events;
}

std::string event_names(std::string_view stream) {
  std::string names;
  const auto events = events_of(stream);
  for (std::size_t first = 0; first < events.size();) {
    std::size_t next = first;
    while (next < events.size() && events[next].first == events[first].first) ++next;
    names += events[first].first;
    if (next - first > 1) names += " x" + std::to_string(next - first);
    names += '\n';
    first = next;
  }
  return names;
}

std::vector<std::string> completions() {
  const std::string call =
      "<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" "
      "string=\"true\">R\"o}me\n</｜DSML｜parameter>\n"
      "<｜DSML｜parameter name=\"days\" string=\"false\">{\"a\": [3]}</｜DSML｜parameter>\n</｜DSML｜invoke>\n";
  const std::string patch =
      "<｜DSML｜invoke name=\"apply_patch\">\n<｜DSML｜parameter name=\"input\" string=\"true\">*** Begin "
      "Patch\n+ü\n*** End "
      "Patch</｜DSML｜parameter>\n</｜DSML｜invoke>\n";
  const std::string block = "\n\n<｜DSML｜tool_calls>\n" + call + patch + call + "</｜DSML｜tool_calls>";
  return {"",
          "thinking only",
          "</think>answer only",
          "Let me see.</think>It is 3 °C.",
          "Why?</think>Because." + block,
          "</think>" + block,
          "r" + block,
          "r</think>a" + block + "after the calls",
          "r</think>a\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
          "r</think>a\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"nobody\">\nwords</｜DSML｜invoke>"};
}

std::vector<AnswerDelta> deltas_of(std::string_view completion, std::size_t piece, AnswerEnd end) {
  AnswerParser parser(AnswerOptions{});
  std::vector<AnswerDelta> deltas;
  const auto take = [&deltas](std::vector<AnswerDelta> more) {
    deltas.insert(deltas.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (std::size_t at = 0; at < completion.size(); at += piece) take(parser.feed(completion.substr(at, piece)));
  take(parser.finish(end));
  return deltas;
}

std::string text_at(const JsonValue& value, std::initializer_list<std::string_view> keys) {
  const JsonValue* at = &value;
  for (const std::string_view key : keys) {
    at = at->find(key);
    if (at == nullptr) return "(absent)";
  }
  return at->is(JsonValue::Kind::string) ? at->text : write_json(*at);
}

}  // namespace fathom::api::test
