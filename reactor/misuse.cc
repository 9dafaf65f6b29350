// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/misuse.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kairos::detail {
namespace {

constexpr std::size_t markBytes = 1;  // the kernel makes a page of it

unsigned char* markProcess() noexcept {
  void* page = mmap(nullptr, markBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  auto* mark = static_cast<unsigned char*>(page);
  *mark = 1;
  if (madvise(page, markBytes, MADV_WIPEONFORK) == 0) return mark;
  munmap(page, markBytes);  // Linux before 4.14: a forked child goes unnoticed
  return nullptr;
}

}  // namespace

void abortMisuse(const char* sentence) noexcept {
  std::fprintf(stderr, "kairos: %s\n", sentence);
  std::abort();
}

Owner::~Owner() {
  if (sameProcess_ != nullptr) munmap(sameProcess_, markBytes);
}

void Owner::claim(const char* call) noexcept {
  if (claimed_) return verifyClaimed(call);
  claimed_ = true;
  thread_ = pthread_self();
  threadNumber_ = gettid();
  sameProcess_ = markProcess();
}

void Owner::verifyClaimed(const char* call) const noexcept {
  char sentence[200];
  if (sameProcess_ != nullptr && *sameProcess_ == 0) {
    std::snprintf(sentence, sizeof sentence,
                  "%s in process %d, a forked child: the reactor belongs to its parent, the child "
                  "may only destroy it.",
                  call, static_cast<int>(getpid()));
    abortMisuse(sentence);
  }
  if (pthread_equal(thread_, pthread_self()) == 0) {
    std::snprintf(sentence, sizeof sentence,
                  "%s from thread %d: the reactor belongs to thread %d, that of its first add or "
                  "poll.",
                  call, static_cast<int>(gettid()), static_cast<int>(threadNumber_));
    abortMisuse(sentence);
  }
}

}  // namespace kairos::detail
