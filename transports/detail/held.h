// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_HELD_H_
#define KAIROS_TRANSPORTS_DETAIL_HELD_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "kairos/transports/detail/atomic.h"

namespace kairos::detail {

// What several threads share: it goes with the last that holds it. Begins with one hold.
class Shared {
 public:
  void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  // True: nobody holds it any more.
  bool letGo() noexcept { return holders_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  Atomic<std::uint32_t> holders_{1};
};

// One hold of an Element, which derives from Shared; or of nothing.
template <class Element>
class Held {
 public:
  Held() noexcept = default;
  // Takes the first hold over.
  explicit Held(Element* made) noexcept : element_(made) {}
  ~Held() {
    if (element_ != nullptr && element_->letGo()) delete element_;
  }
  Held(const Held& other) noexcept : element_(other.element_) {
    if (element_ != nullptr) element_->hold();
  }
  Held(Held&& other) noexcept : element_(std::exchange(other.element_, nullptr)) {}
  Held& operator=(Held other) noexcept {
    std::swap(element_, other.element_);
    return *this;
  }

  explicit operator bool() const noexcept { return element_ != nullptr; }
  Element* operator->() const noexcept { return element_; }
  friend bool operator==(const Held&, const Held&) noexcept = default;

 private:
  Element* element_ = nullptr;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_HELD_H_
