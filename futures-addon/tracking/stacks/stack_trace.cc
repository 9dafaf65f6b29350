// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/tracking/stack_trace.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unwind.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace kairos {

// Fills a StackTrace from inside to outside.
class StackWalk {
 public:
  explicit StackWalk(StackTrace& stack) noexcept : stack_(stack) {}

  static _Unwind_Reason_Code onFrame(_Unwind_Context* frame, void* udata) noexcept {
    auto& walk = *static_cast<StackWalk*>(udata);
    if (walk.skipped_ < skippedMax) {
      ++walk.skipped_;
      return _URC_NO_REASON;
    }
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    walk.add(reinterpret_cast<void*>(_Unwind_GetIP(frame)));
    return walk.isFull() ? _URC_END_OF_STACK : _URC_NO_REASON;
  }

 private:
  static constexpr int skippedMax = 1;  // StackTrace::current()

  void add(void* address) noexcept {
    if (address != nullptr) stack_.frames_[stack_.size_++] = address;
  }
  bool isFull() const noexcept { return stack_.size_ == StackTrace::framesMax; }

  StackTrace& stack_;
  int skipped_ = 0;
};

StackTrace StackTrace::current() noexcept {
  StackTrace stack;
  StackWalk walk(stack);
  _Unwind_Backtrace(StackWalk::onFrame, &walk);
  return stack;
}

namespace {

std::string readable(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free);
  return name != nullptr ? name.get() : symbol;
}

std::string hexadecimal(std::uintptr_t number) {
  char text[2 + 2 * sizeof number + 1];
  std::snprintf(text, sizeof text, "0x%zx", static_cast<std::size_t>(number));
  return text;
}

// An address is where a call returns to; the call is before it.
std::string toText(void* frame) {
  const auto address = reinterpret_cast<std::uintptr_t>(frame) - 1;
  Dl_info info{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (::dladdr(reinterpret_cast<void*>(address), &info) == 0) return hexadecimal(address);
  const std::string place = std::string(info.dli_fname) + '+' +
                            hexadecimal(address - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  return info.dli_sname != nullptr ? readable(info.dli_sname) + " (" + place + ')' : place;
}

}  // namespace

std::string toText(const StackTrace& stack) {
  std::string text;
  for (void* const frame : stack.frames()) text += "  " + toText(frame) + '\n';
  return text;
}

}  // namespace kairos
