// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONDITIONS_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONDITIONS_H_

#include <cstdint>
#include <ctime>
#include <string_view>

#include "kairos/transports/examples/http/http_request.h"
#include "kairos/transports/examples/http/http_status.h"

namespace kairos::examples {

// What tells one state of a file from another, and its size.
struct FileVersion {
  std::string_view etag = {};  // strong, with its quotes
  std::time_t modified = 0;
  std::uint64_t size = 0;
};

// The bytes of a file that a request is to get.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// What a request for a file that exists comes to (RFC 9110, 13.2.2 and 14.2):
//
//   ok                   all of it
//   partialContent       `range`: one range; several at once are answered with all of the file
//   notModified, preconditionFailed, rangeNotSatisfiable
//
// Dates that are none, and ranges that are none or in another unit, are not looked at.
HttpStatus evaluate(const HttpRequest& request, const FileVersion& file, ByteRange& range);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_CONDITIONS_H_
