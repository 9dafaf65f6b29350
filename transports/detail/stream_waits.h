// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_WAITS_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_WAITS_H_

#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/stream_operation.h"

namespace kairos::detail {

// Who waits for room in the queue of a stream's writes, and who for its close. A wait leaves by
// itself when it is destroyed.
class StreamWaits {
 public:
  bool empty() const noexcept { return drains_.empty() && closes_.empty(); }
  void add(DrainOperation& wait) noexcept { drains_.pushBack(wait); }
  void add(CloseOperation& wait) noexcept { closes_.pushBack(wait); }

  // False: it is not here.
  bool cancel(Context& context, DrainOperation& wait) noexcept {
    return cancel(context, drains_, wait);
  }
  bool cancel(Context& context, CloseOperation& wait) noexcept {
    return cancel(context, closes_, wait);
  }

  // There is room, or with an error nothing will be sent any more.
  void tellDrained(Context& context, std::error_code error) noexcept {
    while (!drains_.empty()) complete(context, drains_.front(), error);
  }
  void tellClosed(Context& context) noexcept {
    while (!closes_.empty()) complete(context, closes_.front(), {});
  }

 private:
  static void complete(Context& context, Operation& wait, std::error_code error) noexcept {
    wait.error = error;
    context.complete(wait);
  }

  static bool cancel(Context& context, const IntrusiveList<Operation>& waits,
                     Operation& wait) noexcept {
    bool isHere = false;
    waits.forEach([&](const Operation& each) { return !(isHere = &each == &wait); });
    if (isHere) complete(context, wait, std::make_error_code(std::errc::operation_canceled));
    return isHere;
  }

  IntrusiveList<Operation> drains_;
  IntrusiveList<Operation> closes_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_WAITS_H_
