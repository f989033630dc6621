// data/deepseek-v4/tokenizer.json.zst as part of the program.
#pragma once

#include <string_view>

namespace fathom {

std::string_view deepseek_v4_tokenizer_zst();

}  // namespace fathom
