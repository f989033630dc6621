// Identifiers that nobody can guess and that do not repeat.
#pragma once

#include <cstdint>
#include <string>

namespace fathom::server {

std::string draw_uuid();      // version 4: 8-4-4-4-12 hex digits
std::string draw_trace_id();  // 32 hex digits
std::uint64_t draw_seed();

}  // namespace fathom::server
