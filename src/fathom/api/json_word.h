// The hosted API's condition for response_format json_object (api.md 8).
#pragma once

#include "fathom/api/call.h"

namespace fathom::api {

// ApiError if the answer is to be JSON and no message has the word "json", in whatever case.
void check_json_word(const Call& call);

}  // namespace fathom::api
