// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ERROR_H_
#define KAIROS_FUTURES_ADDON_ERROR_H_

#include <exception>
#include <stdexcept>
#include <string>

#include "kairos/futures-addon/source_location.h"

namespace kairos {

// What is thrown by this layer itself. The first two say how work ended, and a program may expect
// them; a FutureError is a mistake in the program.

// The work was cancelled: reading a cancelled future throws it. A coroutine that lets it out is
// cancelled itself.
class CancelledError : public std::exception {
 public:
  const char* what() const noexcept override { return "The work was cancelled."; }
};

// A limit of time was reached first.
class TimeoutError : public std::exception {
 public:
  const char* what() const noexcept override { return "The time for it is over."; }
};

class FutureError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// A pending future was read.
class PendingError : public FutureError {
 public:
  explicit PendingError(const SourceLocation& created);
};

// readError() of a future that has not failed.
class NoErrorError : public FutureError {
 public:
  explicit NoErrorError(const SourceLocation& created);
};

// A future was finished a second time.
class FinishedTwiceError : public FutureError {
 public:
  FinishedTwiceError(const SourceLocation& created, const SourceLocation& first,
                     const SourceLocation& second);
};

// A future whose Promise was destroyed before it was finished has failed with this.
class BrokenPromiseError : public FutureError {
 public:
  explicit BrokenPromiseError(const SourceLocation& created);
};

// Where something is in the program: "file:line (function)".
std::string toText(const SourceLocation& location);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_ERROR_H_
