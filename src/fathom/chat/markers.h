// The special tokens of DeepSeek-V4's chat format as text, and the tags of DSML, its tool-call markup. Source: the
// released prompt encoding (docs/chat_format.md).
#pragma once

#include <string_view>

namespace fathom::marker {

inline constexpr std::string_view begin_of_sentence = "<｜begin▁of▁sentence｜>";
inline constexpr std::string_view end_of_sentence = "<｜end▁of▁sentence｜>";
inline constexpr std::string_view user = "<｜User｜>";
inline constexpr std::string_view assistant = "<｜Assistant｜>";
inline constexpr std::string_view latest_reminder = "<｜latest_reminder｜>";
inline constexpr std::string_view think_start = "<think>";
inline constexpr std::string_view think_end = "</think>";

// Tags without their '>': attributes may follow, and a model now and then forgets the '>'.
inline constexpr std::string_view dsml_open = "<｜DSML｜";
inline constexpr std::string_view dsml_close = "</｜DSML｜";
inline constexpr std::string_view calls_open = "<｜DSML｜tool_calls";
inline constexpr std::string_view calls_close = "</｜DSML｜tool_calls";
// DeepSeek-V3.2's name for the same block; V4 still falls back to it at times.
inline constexpr std::string_view old_calls_close = "</｜DSML｜function_calls";
inline constexpr std::string_view invoke_open = "<｜DSML｜invoke";
inline constexpr std::string_view invoke_close = "</｜DSML｜invoke";
inline constexpr std::string_view parameter_open = "<｜DSML｜parameter";
inline constexpr std::string_view parameter_close = "</｜DSML｜parameter";
inline constexpr std::string_view invoke_named = "<｜DSML｜invoke name=\"";
inline constexpr std::string_view parameter_named = "<｜DSML｜parameter name=\"";

}  // namespace fathom::marker
