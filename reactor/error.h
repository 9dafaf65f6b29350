// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_ERROR_H_
#define KAIROS_REACTOR_ERROR_H_

#include <system_error>

namespace kairos::detail {

// An error that Kairos itself finds, in a category whose messages are sentences for its user. It
// equals `condition`, and its value is that errno, as if the OS had said it.
std::error_code makeError(std::errc condition) noexcept;

// What the OS said to an attempt to watch a descriptor: the mistakes that users make get Kairos's
// sentence, all else stays as it came.
std::error_code explain(std::error_code fromOs) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_ERROR_H_
