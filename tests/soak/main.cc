// SPDX-License-Identifier: MIT OR Apache-2.0
//
// soak [--minutes N] [NAME...]: runs all programs, or those named, within about so many minutes, 10
// unless told otherwise. Prints a line of figures for each, and fails if one did not pass.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "kairos/tests/soak/programs.h"
#include "kairos/tests/support/descriptors.h"

namespace {

using kairos::soak::Budget;
using kairos::soak::Program;

int usage() {
  std::fprintf(stderr, "usage: soak [--minutes N] [NAME...], of:\n");
  for (const Program& program : kairos::soak::programs()) {
    std::fprintf(stderr, "  %s\n", program.name.data());
  }
  return 2;
}

bool isProgram(std::string_view name) {
  const auto all = kairos::soak::programs();
  return std::any_of(all.begin(), all.end(),
                     [&](const Program& each) { return each.name == name; });
}

// In a process of its own, so that none finds what another has left in its memory.
bool passes(const Program& program, double minutes) {
  const pid_t process = ::fork();
  if (process == 0) {
    const auto judges = minutes < 1 ? Budget::Judges::counts : Budget::Judges::ratiosToo;
    const auto figures = program.run(Budget(minutes * 60 * program.share, judges));
    std::printf("%s\n", figures.line().c_str());
    std::fflush(stdout);
    std::_Exit(figures.passed() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(process, &status, 0);
  if (WIFSIGNALED(status))
    std::printf("%s FAILED: it was ended by a signal\n", program.name.data());
  return status == 0;
}

}  // namespace

int main(int argc, char** argv) {
  double minutes = 10;
  std::vector<std::string_view> names;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--minutes" && i + 1 < argc) {
      minutes = std::atof(argv[++i]);
    } else if (isProgram(argument)) {
      names.push_back(argument);
    } else {
      return usage();
    }
  }
  if (!(minutes > 0)) return usage();
  kairos::raiseFdLimit();
  int failed = 0;
  for (const Program& program : kairos::soak::programs()) {
    const bool isChosen =
        names.empty() || std::find(names.begin(), names.end(), program.name) != names.end();
    if (!isChosen) continue;
    if (!passes(program, minutes)) ++failed;
  }
  return failed == 0 ? 0 : 1;
}
