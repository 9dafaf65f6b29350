// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/error.h"

namespace kairos {
namespace {

std::string created(const SourceLocation& location) {
  return "The future created at " + toText(location);
}

}  // namespace

std::string toText(const SourceLocation& location) {
  return std::string(location.file) + ':' + std::to_string(location.line) + " (" +
         location.function + ')';
}

PendingError::PendingError(const SourceLocation& location)
    : FutureError(created(location) + " was read before it was finished.") {}

NoErrorError::NoErrorError(const SourceLocation& location)
    : FutureError(created(location) + " has no error to read.") {}

FinishedTwiceError::FinishedTwiceError(const SourceLocation& location, const SourceLocation& first,
                                       const SourceLocation& second)
    : FutureError(created(location) + " was finished at " + toText(first) + " and again at " +
                  toText(second) + '.') {}

BrokenPromiseError::BrokenPromiseError(const SourceLocation& location)
    : FutureError(created(location) + " lost its Promise before it was finished.") {}

}  // namespace kairos
