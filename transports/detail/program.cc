// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/program.h"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <string>

namespace kairos::detail {
namespace {

constexpr std::string_view pathName = "PATH=";
constexpr std::string_view defaultPath = "/bin:/usr/bin";

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }
std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

// A copy of the pointers with the null at the end. What execve(2) is given it does not change.
std::error_code copyPointers(std::span<const char* const> strings,
                             std::unique_ptr<char*[]>& result) noexcept {
  result.reset(new (std::nothrow) char*[strings.size() + 1]);
  if (!result) return noMemory();
  for (std::size_t i = 0; i < strings.size(); ++i) {
    if (strings[i] == nullptr) return invalid();
    result[i] = const_cast<char*>(strings[i]);
  }
  result[strings.size()] = nullptr;
  return {};
}

}  // namespace

std::error_code Program::prepare(const SubprocessOptions& options) noexcept {
  if (options.arguments.empty()) return invalid();
  if (const auto error = copyPointers(options.arguments, arguments_)) return error;
  if (options.environment) {
    if (const auto error = copyPointers(*options.environment, environment_)) return error;
  }
  const char* const file = options.program != nullptr ? options.program : options.arguments[0];
  return findCandidates(file, options.searchPath);
}

char* const* Program::environment() const noexcept {
  return environment_ ? environment_.get() : ::environ;
}

// Nothing is called nothing, and not a directory of the path.
std::error_code Program::findCandidates(const char* file, bool searchPath) noexcept {
  const std::string_view name = file;
  const bool isSearched = searchPath && !name.empty() && name.find('/') == std::string_view::npos;
  if (isSearched) return join(path(), name) ? std::error_code() : noMemory();
  candidates_.reset(new (std::nothrow) const char* [2] { file, nullptr });
  return candidates_ ? std::error_code() : noMemory();
}

std::string_view Program::path() const noexcept {
  for (char* const* each = environment(); each != nullptr && *each != nullptr; ++each) {
    const std::string_view variable = *each;
    if (variable.starts_with(pathName)) return variable.substr(pathName.size());
  }
  return defaultPath;
}

// An empty directory is the working directory, as POSIX has it.
bool Program::join(std::string_view path, std::string_view file) noexcept {
  const auto count = static_cast<std::size_t>(std::count(path.begin(), path.end(), ':')) + 1;
  candidates_.reset(new (std::nothrow) const char*[count + 1]);
  names_.reset(new (std::nothrow) char[path.size() + count * (file.size() + 3)]);
  if (!candidates_ || !names_) return false;
  char* end = names_.get();
  const auto append = [&end](std::string_view text) {
    end = std::copy(text.begin(), text.end(), end);
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
    candidates_[i] = end;
    append(directory.empty() ? "." : directory);
    append("/");
    append(file);
    *end++ = '\0';
  }
  candidates_[count] = nullptr;
  return true;
}

}  // namespace kairos::detail

namespace kairos {

// Within single quotes all is itself but the single quote, which is put between two quotations.
std::string shellQuoted(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted += "'";
}

}  // namespace kairos
