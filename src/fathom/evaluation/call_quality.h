// What tool calls are worth whether or not they are the right ones.
#pragma once

#include <span>

#include "fathom/chat/answer.h"
#include "fathom/chat/message.h"

namespace fathom {

struct CallQuality {
  bool well_formed = false;  // the answer keeps to the format, and no call is cut off
  bool fits = false;         // every call names an offered tool and its arguments fit that tool's schema
};

// An answer without calls fits.
CallQuality call_quality(const Answer& answer, std::span<const Tool> tools);

}  // namespace fathom
