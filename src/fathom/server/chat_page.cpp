#include "fathom/server/chat_page.h"

#include <cstddef>

// FATHOM_CHAT_PAGE is the file's path; the root CMakeLists.txt sets it for this source alone.
__asm__(
    ".section .rodata\n"
    "fathom_chat_page_begin:\n"
    ".incbin \"" FATHOM_CHAT_PAGE
    "\"\n"
    "fathom_chat_page_end:\n"
    ".byte 0\n"
    ".text\n");

extern "C" {
extern const char fathom_chat_page_begin[] __attribute__((visibility("hidden")));
extern const char fathom_chat_page_end[] __attribute__((visibility("hidden")));
}

namespace fathom::server {

std::string_view chat_page() {
  return {fathom_chat_page_begin, static_cast<std::size_t>(fathom_chat_page_end - fathom_chat_page_begin)};
}

std::string_view chat_page_policy() {
  return "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace fathom::server
