// Regular expressions of JSON schema (ECMA-262) as states. Taken: alternatives, groups without meaning, classes and
// ranges, . \d \w \s and their opposites, quantifiers, ^ and $ at the ends of the whole or of its alternatives.
// Anything else (look-around, back-references, \b, \p) is an InputError that names the pattern and where in it.
#pragma once

#include <string_view>

#include "fathom/grammar/characters.h"

namespace fathom::grammar {

// From `from` to the state that is returned. As in JSON schema the pattern may match anywhere unless it is anchored.
State add_pattern(Automaton& automaton, State from, std::string_view pattern, TextForm form, std::string_view place);

// The pattern of a `format`, anchored; empty for one that is not known. email, hostname, ipv4, ipv6, uuid, date, time,
// date-time.
std::string_view format_pattern(std::string_view format);

}  // namespace fathom::grammar
