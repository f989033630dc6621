#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/tokenizer/tokenizer.h"
#include "fathom/tokenizer/utf8.h"

namespace fathom {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<std::int32_t>;

struct TokenizeOptions {
  std::vector<std::string> input;  // a file; with --decode a file or the ids themselves
  std::string text;
  std::string model;  // a folder with a tokenizer.json; empty: the built-in one
  bool has_text = false;
  bool decode = false;
  bool only_ids = false;
  bool json = false;
  bool json_lines = false;
};

void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string read_input(const TokenizeOptions& options) {
  if (options.has_text) return options.text;
  if (options.input.empty() || options.input[0] == "-")
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (options.input.size() > 1)
    throw InputError("[tokenize] found {} files, expected one; more than one number needs --decode",
                     options.input.size());
  return read_text_file(options.input[0]);
}

std::int32_t to_id(std::string_view word) {
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (error != std::errc() || end != word.data() + word.size())
    throw InputError("[tokenize] found \"{}\", expected a token id", word);
  return id;
}

// Numbers apart by white space or commas, in brackets or not: what --ids and --json print.
Ids read_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  Ids ids;
  for (std::size_t begin = text.find_first_not_of(kBetween); begin != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    ids.push_back(to_id(text.substr(begin, end - begin)));
    begin = text.find_first_not_of(kBetween, end);
  }
  return ids;
}

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789,[]") == word.npos;
}

// A piece in quotes: printable characters as they are, the rest and broken bytes as escapes.
std::string escaped(std::string_view piece) {
  std::string result = "\"";
  for (std::size_t at = 0; at < piece.size();) {
    const Utf8Step step = utf8_step(piece, at);
    const std::string_view bytes = piece.substr(at, static_cast<std::size_t>(step.length));
    at += bytes.size();
    if (step.code_point == '\n') {
      result += "\\n";
    } else if (step.code_point == '\r') {
      result += "\\r";
    } else if (step.code_point == '\t') {
      result += "\\t";
    } else if (step.code_point == '"' || step.code_point == '\\') {
      result.append("\\").append(bytes);
    } else if (!step.valid || step.code_point < 0x20 || (step.code_point >= 0x7F && step.code_point < 0xA0)) {
      for (const char byte : bytes) result += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
    } else {
      result.append(bytes);
    }
  }
  return result + '"';
}

void print_table(const Tokenizer& tokenizer, const Ids& ids, std::size_t bytes) {
  fmt::print("    id  bytes  piece\n");
  for (const std::int32_t id : ids) {
    const std::string_view piece = tokenizer.piece(id);
    fmt::print("{:6}  {:5}  {}{}\n", id, piece.size(), escaped(piece), tokenizer.is_added(id) ? "  added token" : "");
  }
  fmt::print("{} tokens of {} bytes\n", ids.size(), bytes);
}

void print_json(const Tokenizer& tokenizer, const Ids& ids) {
  Json pieces = Json::array();
  for (const std::int32_t id : ids) {
    const std::string_view piece = tokenizer.piece(id);
    pieces.push_back(
        {{"id", id}, {"piece", utf8_lossy(piece)}, {"bytes", piece.size()}, {"added", tokenizer.is_added(id)}});
  }
  write(Json{{"tokens", ids.size()}, {"token_ids", ids}, {"pieces", pieces}}.dump() + "\n");
}

void print_ids(const Ids& ids) {
  std::string line;
  for (const std::int32_t id : ids) line += fmt::format("{}{}", line.empty() ? "" : " ", id);
  write(line + "\n");
}

void encode_input(const Tokenizer& tokenizer, const TokenizeOptions& options) {
  const std::string text = read_input(options);
  const Ids ids = tokenizer.encode(text);
  if (options.json) {
    print_json(tokenizer, ids);
  } else if (options.only_ids) {
    print_ids(ids);
  } else {
    print_table(tokenizer, ids, text.size());
  }
}

void decode_input(const Tokenizer& tokenizer, const TokenizeOptions& options) {
  Ids ids;
  const bool numbers = !options.input.empty() && std::all_of(options.input.begin(), options.input.end(), is_number);
  if (numbers && !options.has_text) {
    for (const std::string& words : options.input) {
      const Ids more = read_ids(words);
      ids.insert(ids.end(), more.begin(), more.end());
    }
  } else {
    ids = read_ids(read_input(options));
  }
  const std::string text = tokenizer.decode(ids);
  write(options.json ? Json{{"text", utf8_lossy(text)}}.dump() + "\n" : text);
}

constexpr std::size_t kShown = 80;  // of a line at fault, in a message

[[noreturn]] void refuse_line(const Json& request, std::string_view expected) {
  const std::string found = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  throw InputError("[tokenize] found {}, expected an object with {}", utf8_lossy(found.substr(0, kShown)), expected);
}

Json answer_line(const Tokenizer& tokenizer, bool decode, const Json& request) {
  if (decode) {
    constexpr std::string_view kExpected = "\"token_ids\", a list of ids";
    if (!request.is_object() || !request.contains("token_ids") || !request["token_ids"].is_array())
      refuse_line(request, kExpected);
    Ids ids;
    for (const Json& value : request["token_ids"]) {
      if (!value.is_number_integer() || value.get<std::int64_t>() != value.get<std::int32_t>())
        refuse_line(request, kExpected);
      ids.push_back(value.get<std::int32_t>());
    }
    return {{"text", utf8_lossy(tokenizer.decode(ids))}};
  }
  if (!request.is_object() || !request.contains("text") || !request["text"].is_string())
    refuse_line(request, "\"text\", a string");
  return {{"token_ids", tokenizer.encode(request["text"].get_ref<const std::string&>())}};
}

// One answer a line. A line that cannot be read is answered with its error.
void answer_lines(const Tokenizer& tokenizer, bool decode, std::istream& input) {
  std::int64_t number = 0;
  std::int64_t bad = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    Json answer;
    try {
      answer = answer_line(tokenizer, decode, Json::parse(line));
    } catch (const nlohmann::json::exception& error) {
      answer = {{"error", error.what()}};
    } catch (const InputError& error) {
      answer = {{"error", error.what()}};
    }
    if (answer.contains("error")) {
      ++bad;
      fmt::print(stderr, "fathom: line {}: {}\n", number, answer["error"].get_ref<const std::string&>());
    }
    write(answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  if (bad > 0) throw InputError("[tokenize] {} of {} lines could not be answered", bad, number);
}

void answer_lines(const Tokenizer& tokenizer, const TokenizeOptions& options) {
  if (options.has_text) {
    std::istringstream lines(options.text);
    answer_lines(tokenizer, options.decode, lines);
  } else if (options.input.empty() || options.input[0] == "-") {
    answer_lines(tokenizer, options.decode, std::cin);
  } else {
    std::istringstream lines(read_input(options));
    answer_lines(tokenizer, options.decode, lines);
  }
}

void run_tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = options.model.empty()
                                  ? Tokenizer::deepseek_v4()
                                  : Tokenizer::load(std::filesystem::path(options.model) / "tokenizer.json");
  if (options.json_lines) {
    answer_lines(tokenizer, options);
  } else if (options.decode) {
    decode_input(tokenizer, options);
  } else {
    encode_input(tokenizer, options);
  }
  std::fflush(stdout);
}

}  // namespace

void add_tokenize_command(CLI::App& program) {
  auto* command = program.add_subcommand("tokenize", "text to token ids and back");
  command->footer(
      R"(Without --model the vocabulary is DeepSeek-V4's own, which the program carries. Nothing is added to the text: write
<｜begin▁of▁sentence｜> where you want it. Text may be any bytes; decoding gives them back exactly.

  fathom tokenize --text "Hello, world!"            one token a line: id, bytes, piece
  fathom tokenize notes.txt --ids                   only the ids, on one line
  cat notes.txt | fathom tokenize --json            ids and pieces as one JSON object
  fathom tokenize --decode 19923 14 2058 3          ids to text: from arguments, a file or standard input
  fathom tokenize notes.txt --ids | fathom tokenize --decode
  fathom tokenize --model models/sprat notes.txt    with the tokenizer.json of a checkpoint
  fathom tokenize cases.jsonl --jsonl               each line {"text": ...} answered by {"token_ids": [...]}
  fathom tokenize ids.jsonl --jsonl --decode        each line {"token_ids": [...]} answered by {"text": ...})");
  auto options = std::make_shared<TokenizeOptions>();
  command->add_option("input", options->input, "a file (default or \"-\": standard input); with --decode also ids");
  auto* text = command->add_option("--text", options->text, "the text itself (with --decode, the ids)");
  text->excludes(command->get_option("input"));
  command->add_option("--model", options->model, "folder whose tokenizer.json to use");
  command->add_flag("--decode", options->decode, "ids to text");
  auto* only_ids = command->add_flag("--ids", options->only_ids, "print only the ids");
  auto* json = command->add_flag("--json", options->json, "print one JSON object")->excludes(only_ids);
  command->add_flag("--jsonl", options->json_lines, "answer line by line in JSON")->excludes(only_ids)->excludes(json);
  command->callback([options, text] {
    options->has_text = text->count() > 0;
    run_tokenize(*options);
  });
}

}  // namespace fathom
