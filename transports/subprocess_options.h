// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_SUBPROCESS_OPTIONS_H_
#define KAIROS_TRANSPORTS_SUBPROCESS_OPTIONS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kairos/reactor/reactor.h"

namespace kairos {

// Where one of a child's standard streams leads.
struct Redirect {
  enum class Kind : std::uint8_t { inherit, null, pipe, descriptor, output };

  // The same as of this process, as it is: non-blocking while a StreamTransport of this process has
  // it, which not every program expects.
  static constexpr Redirect inherit() noexcept { return {}; }
  // /dev/null
  static constexpr Redirect null() noexcept { return {Kind::null, -1}; }
  // A pipe, the other end of which is a stream of the SubprocessTransport.
  static constexpr Redirect pipe() noexcept { return {Kind::pipe, -1}; }
  // An open descriptor, which stays the caller's. The child gets it as it is: the one of a
  // StreamTransport is non-blocking.
  static constexpr Redirect to(Fd fd) noexcept { return {Kind::descriptor, fd}; }
  // For errors: where the output goes, in the order of the writes.
  static constexpr Redirect toOutput() noexcept { return {Kind::output, -1}; }

  Kind kind = Kind::inherit;
  Fd fd = -1;
};

// What to run, and how. The pointers are used by the start call alone.
//
// A child has the descriptors 0, 1, 2 and those that are passed, whatever this process has open. No
// signal is blocked in it, none ignored or handled.
struct SubprocessOptions {
  // With the name of the program first; each ends with a zero byte.
  std::span<const char* const> arguments = {};
  // The file to run, if it is not the first argument.
  const char* program = nullptr;
  // Looks for a program without a slash in the directories of the child's PATH, or in /bin and
  // /usr/bin if it has none. False: in the child's working directory.
  bool searchPath = true;

  // "NAME=value", exactly these; none: those of this process.
  std::optional<std::span<const char* const>> environment = {};
  const char* directory = nullptr;  // to work in; null: that of this process

  Redirect input = {};
  Redirect output = {};
  Redirect error = {};
  // Further descriptors, from 3 on, that the child has by the same numbers.
  std::span<const Fd> passed = {};

  // The child leads a process group of its own, so that signalGroup() reaches its children too, and
  // the keys of a terminal do not reach it.
  bool newGroup = false;
  // The same, and a session of its own, without a terminal.
  bool newSession = false;
};

// What a start call was doing when it failed.
enum class SpawnStep : std::uint8_t {
  none,       // it did not fail
  options,    // they make no sense
  streams,    // pipes and /dev/null
  process,    // making and watching it
  group,      // the process group or session
  directory,  // the working directory
  descriptors,
  program,  // finding and executing it
};

// Arguments that make the shell run `command`: to be kept until the start call.
constexpr std::array<const char*, 4> shellArguments(const char* command) noexcept {
  return {"/bin/sh", "-c", "--", command};
}

// `word` as a shell reads it back, whatever is in it. It cannot have zero bytes.
std::string shellQuoted(std::string_view word);

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_SUBPROCESS_OPTIONS_H_
