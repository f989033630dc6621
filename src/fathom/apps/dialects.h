// The surfaces of the API, as the server is given them.
#pragma once

#include "fathom/server/dialects.h"

namespace fathom {

server::Dialects make_dialects();

}  // namespace fathom
