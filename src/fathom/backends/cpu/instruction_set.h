// The instruction sets that kernels were compiled for. Highway takes the best one that the machine has; a narrower one
// can be asked for, to compare their answers or to go around a fault of the machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fathom {

// Those that this machine has, best first: of avx3, avx2, sse4, neon, scalar.
std::vector<std::string> instruction_sets();
// What kernels run with now; of the best, a kernel may use an instruction more.
std::string instruction_set_in_use();
// For every kernel of this process, as Highway's choice is; nothing or "best" is the machine's best. Not while a kernel
// runs. InputError when the machine or this build has none of that name.
void use_instruction_set(std::string_view name);

}  // namespace fathom
