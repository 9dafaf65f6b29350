// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_SOURCE_LOCATION_H_
#define KAIROS_FUTURES_ADDON_SOURCE_LOCATION_H_

namespace kairos {

// A place in the program, of which an error can tell. It is what std::source_location would be,
// which not all supported compilers have (Clang 14 lacks it).
struct SourceLocation {
  const char* file = "";
  unsigned line = 0;
  const char* function = "";

  // As the default argument of a function: where that is called.
  static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                          const char* function = __builtin_FUNCTION(),
                                          unsigned line = __builtin_LINE()) noexcept {
    return {file, line, function};
  }
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_SOURCE_LOCATION_H_
