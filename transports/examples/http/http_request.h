// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_REQUEST_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kairos/transports/examples/http/http_status.h"

namespace kairos::examples {

// What a client asks for: the head of a request, read. Fields that it does not have are empty;
// of those that it repeats the first counts.
//
//   Ownership   points into the head
struct HttpRequest {
  static constexpr std::size_t fieldsMax = 100;

  enum class Method { get, head, other };

  Method method = Method::other;
  bool isHttp10 = false;
  bool keepsAlive = false;  // by its version and `Connection`
  bool expectsContinue = false;
  std::uint64_t bodyBytes = 0;  // that follow the head
  std::string_view target = {};

  std::string_view range = {};
  std::string_view ifMatch = {};
  std::string_view ifNoneMatch = {};
  std::string_view ifModifiedSince = {};
  std::string_view ifUnmodifiedSince = {};
  std::string_view ifRange = {};
};

// How long the head is that begins with `bytes`: up to and with an empty line; 0: not all of it is
// there. Looks at what is beyond `scanned`, which it moves on; 0 in the beginning.
std::size_t findHeadEnd(std::string_view bytes, std::size_t& scanned);

// Whether a head may begin so. Something of another protocol is found out at the first byte.
bool looksLikeHead(std::string_view bytes);

// Reads a whole head, as RFC 9112 has it, strictly; but lines may end with LF alone.
//   Errors    HttpStatus::badRequest, ::lengthRequired (a body of unknown size),
//             ::expectationFailed, ::fieldsTooLarge (more than fieldsMax), ::notImplemented (an
//             unknown method), ::versionNotSupported. What was read before is in `request`.
//   Cost      no allocation
HttpStatus parseRequest(std::string_view head, HttpRequest& request);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_REQUEST_H_
