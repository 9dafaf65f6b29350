// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONTENT_TYPES_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONTENT_TYPES_H_

#include <string_view>

namespace kairos::examples {

// By the end of its name, in any case; application/octet-stream for what is not known. Text is
// taken for UTF-8.
std::string_view contentTypeOf(std::string_view file);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONTENT_TYPES_H_
