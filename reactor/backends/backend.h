// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_BACKENDS_BACKEND_H_
#define KAIROS_REACTOR_BACKENDS_BACKEND_H_

#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// What a descriptor is watched for.
struct Interest {
  bool read = false;
  bool write = false;
  bool any() const { return read || write; }
  friend bool operator==(const Interest&, const Interest&) = default;
};

// What one wait found out about one descriptor. Errors and hang-ups set both.
struct Ready {
  std::uint64_t token;
  bool readable;
  bool writable;
};

// The seam to the operating system: a backend keeps its kernel object and nothing else. Slots,
// generations, timers and order are the core's.
//
//   Thread      that of its Reactor
//   Ownership   owns its kernel object (close-on-exec), borrows the user's descriptors
//   Errors      std::error_code; nothing throws
//
// The porting contract: what the conformance suite in tests/conformance checks.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // Whether it is the one that waitOnPreferred (default_backend.h) knows.
  bool isPreferred() const { return preferred_; }

  // Makes the OS watch `fd` for `to` (it watched for `from` so far) before the call returns.
  // From nothing: refuses what cannot be watched with bad_file_descriptor or
  // operation_not_permitted, and then keeps nothing, no memory either. To nothing: always succeeds,
  // also when the file is gone. From `x` to `x`: succeeds exactly if the registration that was made
  // still belongs to the file that `fd` names now. `token` comes back with each event.
  virtual std::error_code watch(Fd fd, std::uint64_t token, Interest from,
                                Interest to) noexcept = 0;

  // Waits once: at most `limit`, rounded up, never less unless something is ready or a signal
  // arrives; negative or `forever`: no limit. A limit longer than the OS takes is cut.
  // Level-triggered: what is still ready is found again. Bounded: what does not fit is found by the
  // next wait, first. The result is valid until the next wait, whatever is watched meanwhile.
  // `error` is set only if the OS refused: not for an interrupted wait, which finds nothing.
  virtual std::span<const Ready> wait(Clock::duration limit, std::error_code& error) noexcept = 0;

  // The time by which deadlines are judged.
  virtual Clock::time_point now() noexcept = 0;

  // Another backend of the same kind with nothing registered, or null if the OS refuses. The core
  // moves its registrations there when the OS reports one that it cannot be made to forget.
  virtual std::unique_ptr<Backend> openAnother() noexcept = 0;

 protected:
  enum class Preferred { yes };
  explicit Backend(Preferred) : preferred_(true) {}

 private:
  const bool preferred_ = false;
};

// A backend, or null and why not.
struct OpenResult {
  std::unique_ptr<Backend> backend;
  std::error_code error;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_BACKENDS_BACKEND_H_
