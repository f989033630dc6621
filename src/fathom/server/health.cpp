#include "fathom/server/health.h"

#include <fmt/format.h>

#include "fathom/chat/json_text.h"

namespace fathom::server {

std::string write_health(const Health& health) {
  std::string out = fmt::format(R"({{"status": "{}")", health.draining ? "draining" : "ok");
  if (!health.models.empty()) {
    out += R"(, "version": )";
    append_json_string(out, health.version);
    out += R"(, "models": [)";
    std::string_view between;
    for (const auto& [model, load] : health.models) {
      out += between;
      out += R"({"model": )";
      append_json_string(out, model);
      out += fmt::format(
          R"(, "running": {}, "waiting": {}, "queue_limit": {}, "cache_bytes": {}, "cache_bytes_limit": {}, )"
          R"("prompt_tokens": {}, "cached_tokens": {}, "sampled_tokens": {}, "steps": {}}})",
          load.running, load.waiting, load.queue_limit, load.cache_bytes, load.cache_bytes_limit, load.prompt_tokens,
          load.cached_tokens, load.sampled_tokens, load.steps);
      between = ", ";
    }
    out += "]";
  }
  return out + "}\n";
}

}  // namespace fathom::server
