// The rules of JSON that need no schema. Every grammar begins with them, in the same states, so that what was worked
// out for one serves all.
#pragma once

#include "fathom/grammar/characters.h"

namespace fathom::grammar {

// Each is a state to call.
struct JsonRules {
  State space = 0;             // nothing; a blank; or one or two line breaks and at most 80 blanks and tabs
  State string = 0;            // with its quotes
  State string_rest = 0;       // behind the opening quote or a whole character
  State string_character = 0;  // one, escaped or not
  State integer = 0;           // at most 64 digits
  State number = 0;            // the same, with at most 64 digits behind the point and 3 of the exponent
  State value = 0;
  State object = 0;
  State array = 0;
  State bare_text = 0;       // any UTF-8 that spells no marker, as a DSML value; may be empty
  State bare_character = 0;  // one
  State end = 0;             // of how many states there are
};

JsonRules add_json_rules(Automaton& automaton);

}  // namespace fathom::grammar
