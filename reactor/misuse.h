// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_MISUSE_H_
#define KAIROS_REACTOR_MISUSE_H_

#include <pthread.h>
#include <sys/types.h>

namespace kairos::detail {

#ifdef NDEBUG
inline constexpr bool misuseChecked = false;
#else
inline constexpr bool misuseChecked = true;
#endif

// Prints one sentence to stderr and aborts.
[[noreturn]] void abortMisuse(const char* sentence) noexcept;

// Knows which thread and which process an object belongs to. Checks without a system call.
class Owner {
 public:
  Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner();

  // The first call makes the calling thread the owner; a later one from another thread, or from a
  // forked child, aborts with a sentence that names `call`.
  void claim(const char* call) noexcept;

  // As a later claim; nothing before the first one.
  void verify(const char* call) const noexcept {
    if (claimed_) verifyClaimed(call);
  }

 private:
  void verifyClaimed(const char* call) const noexcept;

  bool claimed_ = false;
  pthread_t thread_{};
  pid_t threadNumber_ = 0;
  unsigned char* sameProcess_ = nullptr;  // a page that fork() zeroes in the child
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_MISUSE_H_
