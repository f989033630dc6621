// Whether this program holds code for the current device.
#pragma once

namespace fathom::cuda {

bool has_code_for_device();

}  // namespace fathom::cuda
