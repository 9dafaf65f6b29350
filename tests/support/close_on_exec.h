// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_CLOSE_ON_EXEC_H_
#define KAIROS_TESTS_SUPPORT_CLOSE_ON_EXEC_H_

#include <functional>
#include <string>

namespace kairos {

// What is opened by a path counts too, unless it is a library's own affair.
enum class OpenFiles { count, doNotCount };

// Runs `body` in a child that is killed when it makes a descriptor which is not close-on-exec from
// birth: another thread that executes a program right then would hand it on. Says what became of
// the child: "exit" and what the body returned, or "killed". Programs that the child executes have
// to keep to that too.
std::string whereAllIsCloseOnExec(const std::function<int()>& body,
                                  OpenFiles files = OpenFiles::count);

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_CLOSE_ON_EXEC_H_
