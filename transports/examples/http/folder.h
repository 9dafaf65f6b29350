// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_FOLDER_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_FOLDER_H_

#include <sys/stat.h>

#include <string>
#include <system_error>
#include <utility>

#include "kairos/reactor/examples/unique_fd.h"

namespace kairos::examples {

// A folder whose files are opened, and never anything outside of it: neither by "..", nor by a
// symbolic link, an absolute one included. Links that stay inside are followed. The kernel sees to
// that (openat2(2) with RESOLVE_BENEATH, Linux 5.6), so that no renaming meanwhile can matter.
//
//   Thread      any
class Folder {
 public:
  struct Opened {
    UniqueFd fd;
    struct stat status {};
    int error = 0;  // errno; EXDEV: outside
  };

  //   Errors    what the OS says: not there, no folder, no openat2(2)
  static std::error_code open(const std::string& path, Folder& result);

  // For reading, without waiting for whoever writes to a pipe. Empty: the folder itself.
  Opened openFile(const std::string& name) const;

 private:
  UniqueFd fd_;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_FOLDER_H_
