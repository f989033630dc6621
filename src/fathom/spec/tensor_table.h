// The one table of tensors: name, dtype, shape and scale layout of everything a DeepSeek-V4 checkpoint holds.
// Loading, checking, counting and writing all walk it. Source: released checkpoint headers (Flash 69,187, Pro 145,116).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/spec/model_config.h"
