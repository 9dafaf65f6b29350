// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/figures.h"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace kairos::soak {
namespace {

std::string folderOf(pid_t process) { return "/proc/" + std::to_string(process); }

}  // namespace

std::size_t openDescriptors(pid_t process) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator each(folderOf(process) + "/fd", error), end;
       !error && each != end; each.increment(error)) {
    ++count;
  }
  return count;
}

// Counted page by page; the cheaper figures lag behind.
std::int64_t residentKilobytes(pid_t process) {
  std::ifstream rollup(folderOf(process) + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    if (word != "Rss:") continue;
    std::int64_t kilobytes = 0;
    rollup >> kilobytes;
    return kilobytes;
  }
  return 0;
}

std::int64_t cpuNanoseconds(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0) return 0;
  if (::clock_gettime(clock, &time) != 0) return 0;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool Figures::passed() const {
  return ok > 0 && lost == 0 && corrupt == 0 && errors == 0 && failure.empty() &&
         fdsAfter == fdsBefore && rssAfter <= rssBefore + growthMax;
}

std::string Figures::line() const {
  std::ostringstream text;
  text << name << " ok=" << ok << " lost=" << lost << " corrupt=" << corrupt << " err=" << errors
       << " fds=" << fdsBefore << "->" << fdsAfter << " rss=" << rssBefore << "->" << rssAfter
       << "kB" << (more.empty() ? "" : " ") << more;
  if (!failure.empty()) text << " FAILED: " << failure;
  if (failure.empty() && !passed()) text << " FAILED";
  return text.str();
}

}  // namespace kairos::soak
