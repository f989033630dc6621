// What was guessed of an answer, in every surface's usage: our own field, there only if something was.
#pragma once

#include "fathom/api/answer_writer.h"
#include "fathom/api/json_object.h"

namespace fathom::api {

// "fathom_drafts": {"drafted_tokens": …, "accepted_tokens": …}
JsonObject& add_drafts(JsonObject& json, const Usage& usage);

}  // namespace fathom::api
