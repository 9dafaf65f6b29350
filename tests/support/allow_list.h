// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_ALLOW_LIST_H_
#define KAIROS_TESTS_SUPPORT_ALLOW_LIST_H_

#include <functional>
#include <vector>

namespace kairos {

// System calls by their numbers, SYS_read and so on.
using SystemCalls = std::vector<int>;

inline SystemCalls operator+(SystemCalls calls, const SystemCalls& more) {
  calls.insert(calls.end(), more.begin(), more.end());
  return calls;
}

// From here on the process may make these calls, and exit; any other ends it by SIGSYS, as what it
// executes later is too. False, with errno: that could not be.
bool allowOnly(SystemCalls allowed);

// How a process fared that was bound so, as seccomp(2) lets a service bind itself.
struct Confinement {
  static constexpr int none = -1;

  bool isWell = false;   // what it had to do is done
  int forbidden = none;  // the call outside of the list that has ended it
};

// Does it in a child process. The child may always exit.
Confinement confine(const SystemCalls& allowed, const std::function<bool()>& act);

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_ALLOW_LIST_H_
