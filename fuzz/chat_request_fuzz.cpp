// Any bytes as a chat request: a prompt or an InputError, nothing else. JSON once written reads back as itself.
#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "fathom/chat/message_json.h"
#include "fathom/chat/prompt.h"
#include "fathom/tokenizer/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fathom;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const std::optional<JsonValue> value = try_read_json(text)) {
    const std::string written = write_json(*value);
    check(utf8_lossy(written) == written, "JSON is written in UTF-8");
    check_equal(write_json(read_json(written, "fuzz")), written, "JSON reads back as itself");
  } else {
    check(!is_json(text), "what Python cannot read is not JSON");
  }
  try {
    ChatRequest request = read_chat_request(text, "fuzz");
    for (const bool drop : {true, false}) {
      request.options.drop_thinking = drop;
      const std::string prompt = render_prompt(request.messages, request.options);
      check(utf8_lossy(prompt) == prompt, "prompts are UTF-8");
      check(prompt.size() >= 2, "a prompt is never empty");
    }
  } catch (const InputError&) {
  }
  return 0;
}
