// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_PROBE_H_
#define KAIROS_TESTS_SUPPORT_PROBE_H_

#include <cstddef>
#include <functional>
#include <utility>

namespace kairos {

// The user's side of a callback: counts its runs and does what it was given. Stays where it is,
// because its address is the `udata`.
class Probe {
 public:
  Probe() = default;
  explicit Probe(std::function<void()> action) : action_(std::move(action)) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  static void run(void* udata) {
    auto& probe = *static_cast<Probe*>(udata);
    ++probe.runs_;
    if (probe.action_) probe.action_();
  }

  std::size_t runs() const { return runs_; }
  void setAction(std::function<void()> action) { action_ = std::move(action); }

 private:
  std::size_t runs_ = 0;
  std::function<void()> action_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_PROBE_H_
