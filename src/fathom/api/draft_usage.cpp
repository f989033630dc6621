#include "fathom/api/draft_usage.h"

namespace fathom::api {

JsonObject& add_drafts(JsonObject& json, const Usage& usage) {
  if (usage.drafted_tokens == 0) return json;
  JsonObject drafts;
  drafts.number("drafted_tokens", usage.drafted_tokens).number("accepted_tokens", usage.accepted_tokens);
  return json.json("fathom_drafts", drafts.close());
}

}  // namespace fathom::api
