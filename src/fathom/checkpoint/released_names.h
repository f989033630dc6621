// The transformers library's names for a checkpoint's tensors, in the released names.
// Source: the renaming rules for deepseek_v4 in transformers' conversion_mapping.py, for the facts of both spellings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

// transformers stacks a layer's experts into two tensors; each of them stands for several released ones.
enum class Stack : std::uint8_t {
  none,
  gate_up,  // [experts, 2 * expert_dim, channels]: w1 above w3
  down,     // [experts, channels, expert_dim]: w2
};

struct ReleasedName {
  std::string name;  // "layers.0.attn.wq_a.weight"; for a stack its prefix, "layers.0.ffn.experts."
  Stack stack = Stack::none;
  bool scale = false;  // of a stack: its scales, not its values
};

// Any name: released ones come back as they are, and so do names that neither spelling knows.
ReleasedName released_name(std::string_view name);

}  // namespace fathom
