// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/throws.h"

#include <exception>
#include <typeinfo>

namespace kairos {
namespace {

std::size_t thrown = 0;

}  // namespace

ThrowCount::ThrowCount() : before_(thrown) {}
std::size_t ThrowCount::throws() const { return thrown - before_; }

// The names that the linker gives to a wrapped symbol and to what it stood for.
extern "C" {

[[noreturn]] void __real___cxa_throw(void* object, std::type_info* type, void (*destroy)(void*));
[[noreturn]] void __real___cxa_rethrow();
[[noreturn]] void __real__ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(
    std::exception_ptr error);

[[noreturn]] void __wrap___cxa_throw(void* object, std::type_info* type, void (*destroy)(void*)) {
  ++thrown;
  __real___cxa_throw(object, type, destroy);
}

[[noreturn]] void __wrap___cxa_rethrow() {
  ++thrown;
  __real___cxa_rethrow();
}

[[noreturn]] void __wrap__ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(
    std::exception_ptr error) {
  ++thrown;
  __real__ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(error);
}

}  // extern "C"
}  // namespace kairos
