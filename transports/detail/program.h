// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_PROGRAM_H_
#define KAIROS_TRANSPORTS_DETAIL_PROGRAM_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/transports/subprocess_options.h"

namespace kairos::detail {

// What a child executes, as execve(2) wants it. Borrows the strings of the options.
class Program {
 public:
  //   Errors    invalid_argument: no arguments, or a null pointer among them; not_enough_memory
  std::error_code prepare(const SubprocessOptions& options) noexcept;

  const char* const* candidates() const noexcept { return candidates_.get(); }
  char* const* arguments() const noexcept { return arguments_.get(); }
  char* const* environment() const noexcept;

 private:
  std::error_code findCandidates(const char* file, bool searchPath) noexcept;
  std::string_view path() const noexcept;
  bool join(std::string_view path, std::string_view file) noexcept;

  std::unique_ptr<char*[]> arguments_;
  std::unique_ptr<char*[]> environment_;  // null: that of this process
  std::unique_ptr<const char*[]> candidates_;
  std::unique_ptr<char[]> names_;  // of the candidates
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_PROGRAM_H_
