// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_REQUEST_PATH_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_REQUEST_PATH_H_

#include <string>
#include <string_view>

#include "kairos/transports/examples/http/http_status.h"

namespace kairos::examples {

// The parts of a request's target, as they were sent.
struct RequestTarget {
  std::string_view path;   // begins with a slash
  std::string_view query;  // with its question mark, or empty
};

// Takes apart "/path?query", and "http://host/path?query", of which the host does not matter here.
//   Errors    HttpStatus::badRequest
HttpStatus splitTarget(std::string_view text, RequestTarget& target);

// The name of the file, relative to the folder that is served, that a path asks for: percent-
// decoded; empty for the folder itself; with the slash at the end, if it has one.
//   Errors    HttpStatus::badRequest  an escape that is none, a zero byte or slash in an escape,
//                                     "." or ".." between slashes
//             HttpStatus::notFound    two slashes in a row; a name with a dot in front, unless it
//                                     is ".well-known": such files are not for the public
HttpStatus decodePath(std::string_view path, std::string& file);

// What a link needs: all but letters, digits and "-._~" as %XX.
std::string percentEncode(std::string_view name);
// What a page needs: & < > " ' as entities, control characters as "?".
std::string htmlEscape(std::string_view text);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_REQUEST_PATH_H_
