// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/process_state.h"

namespace kairos {

const bool misuseAborts = false;

}  // namespace kairos
