// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_DIRECTORY_INDEX_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_DIRECTORY_INDEX_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "kairos/reactor/examples/unique_fd.h"

namespace kairos::examples {

// A page that lists a directory: directories first, then the rest, by name, up to `entriesMax` of
// them. Names with a dot in front are left out, since they are not served. `name` is the
// directory's, relative to the folder that is served, with its slash; empty for that folder.
//   Errors    an empty page: the directory cannot be read
inline constexpr std::size_t directoryEntriesMax = 10000;
std::string makeDirectoryIndex(const UniqueFd& directory, std::string_view name,
                               std::size_t entriesMax = directoryEntriesMax);

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_DIRECTORY_INDEX_H_
