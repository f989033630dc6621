// config.json as the transformers library saves it, in the released fields. There the layers' kinds are words
// (layer_types, mlp_layer_types), the rotated part is a fraction, and rope_parameters has one table per rope.
// Source: configuration_deepseek_v4.py of transformers, for the names and their meaning.
#pragma once

#include <string>
#include <string_view>

namespace fathom {

// The same file with the released fields filled in; fields that are already there win. `text` is a JSON object.
// InputError when layer_types is missing too or a word is unknown.
std::string released_config_spelling(std::string_view text, std::string_view place);

}  // namespace fathom
