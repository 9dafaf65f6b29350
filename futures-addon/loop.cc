// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/loop.h"

#include "kairos/futures-addon/error.h"

namespace kairos {
namespace {

// The one thread-local object of the project.
std::unique_ptr<Loop>& ofThisThread() {
  thread_local std::unique_ptr<Loop> loop;
  return loop;
}

}  // namespace

Loop& threadLoop() {
  std::unique_ptr<Loop>& loop = ofThisThread();
  if (loop == nullptr) loop = std::make_unique<Loop>();
  return *loop;
}

void setThreadLoop(std::unique_ptr<Loop> loop) {
  std::unique_ptr<Loop>& present = ofThisThread();
  if (present != nullptr && present->hasPendingOperations()) {
    throw FutureError("The loop of this thread cannot be replaced: something is pending on it.");
  }
  present = std::move(loop);
}

}  // namespace kairos
