// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_BORROWED_FILES_H_
#define KAIROS_TRANSPORTS_DETAIL_BORROWED_FILES_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/intrusive_list.h"

namespace kairos::detail {

// The open files that streams of a context have made non-blocking and that others may share, such
// as a shell its terminal. Several streams may be on one of them: 0, 1 and 2 are copies as a rule.
// It is blocking again when the last of them closes.
class BorrowedFiles final : public ContextShare {
 public:
  // Makes `fd` non-blocking and close-on-exec.
  //   result    it is to be given back
  //   Errors    not_enough_memory; what fcntl(2) or fstat(2) says. Nothing is changed then.
  static std::error_code borrow(Context& context, Fd fd, bool& result) noexcept;

  // Before the close.
  static void giveBack(Context& context, Fd fd) noexcept;

  ~BorrowedFiles() override;

 private:
  // One for each stream. The same open file has the same numbers.
  struct Loan : ListNode {
    Fd fd = -1;
    dev_t device = 0;
    ino_t number = 0;
  };
  using Loans = IntrusiveList<Loan>;

  static BorrowedFiles* of(Context& context) noexcept;
  static std::error_code lend(Context& context, Fd fd, bool wasBlocking, bool& result) noexcept;
  // Of another descriptor of the same open file.
  bool has(const Loan& like) noexcept;
  static std::error_code look(Fd fd, Loan& result) noexcept;
  Loans& loansLike(const Loan& loan) noexcept { return loans_[loan.number % loans_.size()]; }

  std::array<Loans, 64> loans_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_BORROWED_FILES_H_
