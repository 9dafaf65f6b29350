// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/http_status.h"

namespace kairos::examples {

std::string_view statusText(HttpStatus status) {
  switch (status) {
    case HttpStatus::ok:
      return "200 OK";
    case HttpStatus::partialContent:
      return "206 Partial Content";
    case HttpStatus::movedPermanently:
      return "301 Moved Permanently";
    case HttpStatus::notModified:
      return "304 Not Modified";
    case HttpStatus::badRequest:
      return "400 Bad Request";
    case HttpStatus::forbidden:
      return "403 Forbidden";
    case HttpStatus::notFound:
      return "404 Not Found";
    case HttpStatus::methodNotAllowed:
      return "405 Method Not Allowed";
    case HttpStatus::requestTimeout:
      return "408 Request Timeout";
    case HttpStatus::lengthRequired:
      return "411 Length Required";
    case HttpStatus::preconditionFailed:
      return "412 Precondition Failed";
    case HttpStatus::contentTooLarge:
      return "413 Content Too Large";
    case HttpStatus::targetTooLong:
      return "414 URI Too Long";
    case HttpStatus::rangeNotSatisfiable:
      return "416 Range Not Satisfiable";
    case HttpStatus::expectationFailed:
      return "417 Expectation Failed";
    case HttpStatus::fieldsTooLarge:
      return "431 Request Header Fields Too Large";
    case HttpStatus::internalError:
      return "500 Internal Server Error";
    case HttpStatus::notImplemented:
      return "501 Not Implemented";
    case HttpStatus::unavailable:
      return "503 Service Unavailable";
    case HttpStatus::versionNotSupported:
      return "505 HTTP Version Not Supported";
  }
  return "500 Internal Server Error";
}

}  // namespace kairos::examples
