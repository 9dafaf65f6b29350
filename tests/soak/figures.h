// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_FIGURES_H_
#define KAIROS_TESTS_SOAK_FIGURES_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kairos::soak {

using Clock = std::chrono::steady_clock;

// How long a program may go on with its load, and by what it is judged.
class Budget {
 public:
  enum class Judges { counts, ratiosToo };

  explicit Budget(double seconds, Judges judges = Judges::counts)
      : begin_(Clock::now()), length_(seconds), judges_(judges) {}

  // Long enough to compare speeds within the run.
  bool judgesRatios() const { return judges_ == Judges::ratiosToo; }
  double seconds() const { return length_; }
  double spent() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  bool isOver() const { return spent() >= length_; }

 private:
  Clock::time_point begin_;
  double length_;
  Judges judges_;
};

std::size_t openDescriptors(pid_t process);
std::int64_t residentKilobytes(pid_t process);
std::int64_t cpuNanoseconds(pid_t process);

// What a program found. It is passed or not by what was counted and compared, never by how fast it
// was.
struct Figures {
  std::string name;
  std::uint64_t ok = 0;
  std::uint64_t lost = 0;     // never came, or not in the order in which it was sent
  std::uint64_t corrupt = 0;  // came, but not as it was sent
  std::uint64_t errors = 0;
  std::size_t fdsBefore = 0;
  std::size_t fdsAfter = 0;
  std::int64_t rssBefore = 0;  // kilobytes: at a tenth of the time, and at its end
  std::int64_t rssAfter = 0;
  std::int64_t growthMax = 1024;  // kilobytes
  std::string more{};             // figures of this program alone
  std::string failure{};          // what else does not hold

  void demand(bool holds, const char* otherwise) {
    if (!holds && failure.empty()) failure = otherwise;
  }
  bool passed() const;
  std::string line() const;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_FIGURES_H_
