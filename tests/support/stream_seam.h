// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_STREAM_SEAM_H_
#define KAIROS_TESTS_SUPPORT_STREAM_SEAM_H_

#include <cstddef>
#include <limits>
#include <set>

#include "kairos/reactor/reactor.h"
#include "kairos/reactor/simulation.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {

// What the system calls of streams may do besides what was asked for, each once in that many calls;
// 0: never.
struct StreamFaults {
  unsigned interrupted = 0;
  unsigned wouldBlock = 0;  // although it would not
  unsigned noBuffers = 0;   // only of writes
  unsigned broken = 0;      // as if the peer were gone, to writes alone
  unsigned partial = 0;     // fewer bytes than there are, or is room for
  std::size_t bytesPerRead = std::numeric_limits<std::size_t>::max();
};

// Stands between the objects linked into a test program and the OS, in recv, send, sendmsg, read,
// writev, shutdown, close and what asks about a descriptor, by the linker's --wrap: hands those of
// simulated descriptors to their machine, makes faults, and counts. Requires linkstatic. One thread
// only, and one seam at a time.
class StreamSeam {
 public:
  // Above those of real files. The simulation gives them from 0 on, so the lower ones are taken.
  static constexpr Fd firstSimulated = 1000;

  StreamSeam(Random& random, Simulation& simulation);
  ~StreamSeam();
  StreamSeam(const StreamSeam&) = delete;
  StreamSeam& operator=(const StreamSeam&) = delete;

  void setFaults(const StreamFaults& faults) { faults_ = faults; }
  std::size_t faults() const { return faultCount_; }

  // Since this was made.
  std::size_t reads() const { return reads_; }
  // Of SO_ERROR, which is told once.
  std::size_t errorsAsked() const { return errorsAsked_; }
  std::size_t closes(Fd fd) const { return closes_.count(fd); }
  void forgetCloses() { closes_.clear(); }
  // Of a number that nothing had.
  std::size_t vainCloses() const { return vainCloses_; }

 private:
  friend struct StreamCalls;

  bool happens(unsigned oneIn);
  // An errno; 0: none.
  int fault(bool isWrite);
  std::size_t cut(std::size_t size);
  bool owns(Fd fd) const { return fd >= firstSimulated; }

  Random& random_;
  Simulation& simulation_;
  StreamFaults faults_;
  std::size_t faultCount_ = 0;
  std::size_t reads_ = 0;
  std::size_t errorsAsked_ = 0;
  std::multiset<Fd> closes_;
  std::size_t vainCloses_ = 0;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_STREAM_SEAM_H_
