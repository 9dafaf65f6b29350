// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/borrowed_files.h"

#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <new>

#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {
namespace {

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

// Of one device or pipe there may be several open files, each with flags of its own. Where the OS
// does not tell them apart, they count as one.
bool areOneFile(Fd a, Fd b) noexcept {
  const pid_t self = ::getpid();
  return ::syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) <= 0;
}

}  // namespace

BorrowedFiles* BorrowedFiles::of(Context& context) noexcept {
  return static_cast<BorrowedFiles*>(context.borrowedFiles());
}

std::error_code BorrowedFiles::borrow(Context& context, Fd fd, bool& result) noexcept {
  bool wasBlocking = false;
  if (const auto error = setFlags(fd, wasBlocking)) return error;
  BorrowedFiles* files = of(context);
  result = wasBlocking || (files != nullptr && files->hasFileOf(fd));
  if (!result) return {};
  if (files == nullptr) {
    files = new (std::nothrow) BorrowedFiles;
    context.setBorrowedFiles(std::unique_ptr<ContextShare>(files));
  }
  const std::error_code error = files != nullptr ? files->add(fd) : noMemory();
  if (error && wasBlocking) makeBlocking(fd);
  return error;
}

void BorrowedFiles::giveBack(Context& context, Fd fd) noexcept {
  BorrowedFiles& files = *of(context);
  Loan like;
  if (!files.look(fd, like)) return makeBlocking(fd);
  Loan* own = nullptr;
  files.loansLike(like).forEach([&](Loan& each) {
    if (each.fd == fd) own = &each;
    return own == nullptr;
  });
  delete own;
  if (!files.hasFileOf(fd)) makeBlocking(fd);
}

// The streams are gone.
BorrowedFiles::~BorrowedFiles() {
  for (Loans& loans : loans_) {
    while (!loans.empty()) delete &loans.popFront();
  }
}

std::error_code BorrowedFiles::add(Fd fd) noexcept {
  auto* const made = new (std::nothrow) Loan;
  if (made == nullptr) return noMemory();
  if (!look(fd, *made)) {
    delete made;
    return std::make_error_code(std::errc::bad_file_descriptor);
  }
  loansLike(*made).pushBack(*made);
  return {};
}

bool BorrowedFiles::hasFileOf(Fd fd) noexcept {
  Loan like;
  if (!look(fd, like)) return false;
  bool isHere = false;
  loansLike(like).forEach([&](const Loan& each) {
    isHere = each.device == like.device && each.number == like.number && areOneFile(each.fd, fd);
    return !isHere;
  });
  return isHere;
}

bool BorrowedFiles::look(Fd fd, Loan& result) const noexcept {
  struct stat status;
  if (::fstat(fd, &status) != 0) return false;
  result.fd = fd;
  result.device = status.st_dev;
  result.number = status.st_ino;
  return true;
}

}  // namespace kairos::detail
