#include "fathom/api/chunk_writer.h"

#include "fathom/api/json_object.h"

namespace fathom::api {

std::string_view finish_reason(EndReason reason) {
  switch (reason) {
    case EndReason::stop:
    case EndReason::stop_string: return "stop";
    case EndReason::length: return "length";
    case EndReason::tool_calls: return "tool_calls";
    case EndReason::overloaded: break;
  }
  return "insufficient_system_resource";
}

ChunkWriter::ChunkWriter(const Form& form, const AnswerIdentity& identity) : form_(form) {
  JsonObject head;
  head.text("id", identity.id).text("object", form.object).number("created", identity.created);
  head.text("model", identity.model).text("system_fingerprint", identity.fingerprint);
  head_ = "data: " + head.json("choices", "[").close();
  head_.pop_back();  // the brace: choice, usage and the end are each chunk's own
}

std::string ChunkWriter::chunk(std::string_view choice, std::string_view usage) const {
  std::string frame = head_;
  frame.append(choice).append("]");
  if (!usage.empty()) {
    frame.append(",\"usage\":").append(usage);
  } else if (form_.include_usage) {
    frame.append(",\"usage\":null");
  }
  return frame.append("}\n\n");
}

}  // namespace fathom::api
