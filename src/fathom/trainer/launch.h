// The processes of several ranks: this program again, once for each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fathom::train {

// Runs `program` with `arguments` and "--rank R --rendezvous FILE" for each rank, and waits for all. When one fails,
// the others are ended: they would wait for it for ever. SIGTERM is handed on, and when this process ends, so do they.
// The first exit code that is not 0, or minus the signal that ended a rank. InputError when none can be started.
int launch_ranks(const std::filesystem::path& program, const std::vector<std::string>& arguments, std::int64_t ranks);

}  // namespace fathom::train
