#include "fathom/api/event_frame.h"

namespace fathom::api {

std::string event_frame(std::string_view name, std::string_view json) {
  std::string frame;
  frame.reserve(name.size() + json.size() + 16);
  frame.append("event: ").append(name).append("\ndata: ").append(json).append("\n\n");
  return frame;
}

}  // namespace fathom::api
