#include "fathom/tokenizer/deepseek_v4_data.h"

// FATHOM_DEEPSEEK_V4_TOKENIZER is the file's path; the root CMakeLists.txt sets it for this source alone.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "fathom_deepseek_v4_begin:\n"
    ".incbin \"" FATHOM_DEEPSEEK_V4_TOKENIZER
    "\"\n"
    "fathom_deepseek_v4_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const char fathom_deepseek_v4_begin[] __attribute__((visibility("hidden")));
extern const char fathom_deepseek_v4_end[] __attribute__((visibility("hidden")));
}

namespace fathom {

std::string_view deepseek_v4_tokenizer_zst() {
  return {fathom_deepseek_v4_begin, static_cast<std::size_t>(fathom_deepseek_v4_end - fathom_deepseek_v4_begin)};
}

}  // namespace fathom
