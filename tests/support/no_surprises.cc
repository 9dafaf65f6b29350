// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/no_surprises.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <clocale>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

constexpr int lastSignal = 64;

std::string textOf(const struct sigaction& action) {
  return std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)) + " " +
         std::to_string(action.sa_flags);
}

// A line for each thing.
std::vector<std::string> surroundings() {
  std::vector<std::string> all;
  const auto add = [&all](std::string name, const std::string& value) {
    all.push_back(std::move(name) + ": " + value);
  };
  for (int signal = 1; signal <= lastSignal; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    add("signal " + std::to_string(signal), textOf(action));
  }
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);) {
    for (const std::string_view name : {"SigBlk:", "SigIgn:", "SigCgt:", "Umask:", "Threads:"}) {
      if (line.starts_with(name)) all.push_back(line);
    }
  }
  for (char** each = ::environ; *each != nullptr; ++each) add("variable", *each);
  add("locale", ::setlocale(LC_ALL, nullptr));
  add("directory", std::filesystem::current_path());
  for (int what = 0; what < static_cast<int>(RLIM_NLIMITS); ++what) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource>(what), &limit);
    add("limit " + std::to_string(what),
        std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max));
  }
  return all;
}

std::string contentOf(Fd file) {
  char bytes[4096];
  const ssize_t count = ::pread(file, bytes, sizeof bytes, 0);
  return std::string(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
}

}  // namespace

NoSurprises::NoSurprises()
    : before_(surroundings()),
      printed_(::memfd_create("printed", MFD_CLOEXEC)),
      output_(duplicate(STDOUT_FILENO)),
      errors_(duplicate(STDERR_FILENO)) {
  std::fflush(nullptr);
  for (const Fd fd : {STDOUT_FILENO, STDERR_FILENO}) EXPECT_EQ(::dup2(printed_.get(), fd), fd);
}

NoSurprises::~NoSurprises() {
  std::fflush(nullptr);
  ::dup2(output_.get(), STDOUT_FILENO);
  ::dup2(errors_.get(), STDERR_FILENO);
  EXPECT_EQ(contentOf(printed_.get()), "");
  EXPECT_EQ(surroundings(), before_);
}

}  // namespace kairos
