// What this program's code for the current device was compiled for.
#pragma once

namespace fathom::cuda {

// Whether there is any.
bool has_code_for_device();

// 80, 89, 90 and so on: what kernels may be asked for is theirs, not the device's. A device of 8.9 also runs code
// for 8.0, and the driver translates PTX of any older one. 91 is 9.0's code without what 9.0a adds (warpgroups'
// products); 0: none.
int compiled_capability();

}  // namespace fathom::cuda
