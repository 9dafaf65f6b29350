// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_STATUS_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_STATUS_H_

#include <string_view>

namespace kairos::examples {

// Of RFC 9110, section 15, and RFC 6585: those that a file server has a use for.
enum class HttpStatus {
  ok = 200,
  partialContent = 206,
  movedPermanently = 301,
  notModified = 304,
  badRequest = 400,
  forbidden = 403,
  notFound = 404,
  methodNotAllowed = 405,
  requestTimeout = 408,
  lengthRequired = 411,
  preconditionFailed = 412,
  contentTooLarge = 413,
  targetTooLong = 414,
  rangeNotSatisfiable = 416,
  expectationFailed = 417,
  fieldsTooLarge = 431,
  internalError = 500,
  notImplemented = 501,
  unavailable = 503,
  versionNotSupported = 505,
};

// With its number: "404 Not Found".
std::string_view statusText(HttpStatus status);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_STATUS_H_
