// The processes of several ranks: this program again, once for each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fathom::train {

// Runs `program` with `arguments` and "--rank R --rendezvous FILE" for each rank, and waits for all. When one fails,
// the others are ended: they would wait for it for ever. When this process ends, so do they. The greatest exit code;
// minus the signal when one ended a rank. InputError when a process cannot be made.
int launch_ranks(const std::filesystem::path& program, const std::vector<std::string>& arguments, std::int64_t ranks);

}  // namespace fathom::train
