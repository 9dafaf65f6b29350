// SPDX-License-Identifier: MIT OR Apache-2.0
// The core at work in a program without exceptions and RTTI.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kairos/reactor/reactor.h"

#define TEXT_OF(name) #name
#define EXPANDED_TEXT_OF(name) TEXT_OF(name)

namespace {

// An undefined macro expands to its own name.
static_assert(std::string_view(EXPANDED_TEXT_OF(__cpp_exceptions)) == "__cpp_exceptions",
              "built without -fno-exceptions");
static_assert(std::string_view(EXPANDED_TEXT_OF(__cpp_rtti)) == "__cpp_rtti",
              "built without -fno-rtti");

void count(void* udata) { ++*static_cast<int*>(udata); }

void require(bool claim, const char* sentence) {
  if (claim) return;
  std::fprintf(stderr, "This should hold: %s.\n", sentence);
  std::exit(1);
}

}  // namespace

int main() {
  int ends[2];
  require(pipe(ends) == 0, "there is a pipe");
  kairos::Reactor reactor;
  int reads = 0;
  int writes = 0;
  int timers = 0;
  require(!reactor.addReader(ends[0], count, &reads), "a reader is added");
  require(!reactor.addWriter(ends[1], count, &writes), "a writer is added");
  require(
      reactor.addTimer(kairos::Clock::duration::zero(), count, &timers) != kairos::TimerId::none,
      "a timer is added");
  require(reactor.addReader(ends[0], count, &reads) == std::errc::file_exists, "the slot is taken");
  require(write(ends[1], "x", 1) == 1, "a byte is written");
  require(reactor.poll(kairos::Reactor::forever).callbacks == 3, "three callbacks run");
  require(reads == 1 && writes == 1 && timers == 1, "each ran once");
  require(reactor.removeReader(ends[0]) && reactor.removeWriter(ends[1]), "both are removed");
  require(reactor.poll(kairos::Reactor::forever).error == std::errc::resource_deadlock_would_occur,
          "an empty reactor says so");
}
