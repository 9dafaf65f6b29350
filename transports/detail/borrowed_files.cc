// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/borrowed_files.h"

#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
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
  result = false;
  if (!wasBlocking && of(context) == nullptr) return {};
  const std::error_code error = lend(context, fd, wasBlocking, result);
  if (error && wasBlocking) makeBlocking(fd);
  return error;
}

std::error_code BorrowedFiles::lend(Context& context, Fd fd, bool wasBlocking,
                                    bool& result) noexcept {
  std::unique_ptr<Loan> made(new (std::nothrow) Loan);
  if (!made) return noMemory();
  if (const auto error = look(fd, *made)) return error;
  BorrowedFiles* files = of(context);
  if (files == nullptr) {
    files = new (std::nothrow) BorrowedFiles;
    if (files == nullptr) return noMemory();
    context.setBorrowedFiles(std::unique_ptr<ContextShare>(files));
  }
  result = wasBlocking || files->has(*made);
  if (result) files->loansLike(*made).pushBack(*made.release());
  return {};
}

void BorrowedFiles::giveBack(Context& context, Fd fd) noexcept {
  BorrowedFiles& files = *of(context);
  Loan like;
  if (look(fd, like)) return makeBlocking(fd);
  Loan* own = nullptr;
  files.loansLike(like).forEach([&](Loan& each) {
    if (each.fd == fd) own = &each;
    return own == nullptr;
  });
  delete own;
  if (!files.has(like)) makeBlocking(fd);
}

// The streams are gone.
BorrowedFiles::~BorrowedFiles() {
  for (Loans& loans : loans_) {
    while (!loans.empty()) delete &loans.popFront();
  }
}

bool BorrowedFiles::has(const Loan& like) noexcept {
  bool isHere = false;
  loansLike(like).forEach([&](const Loan& each) {
    isHere =
        each.device == like.device && each.number == like.number && areOneFile(each.fd, like.fd);
    return !isHere;
  });
  return isHere;
}

std::error_code BorrowedFiles::look(Fd fd, Loan& result) noexcept {
  struct stat status;
  if (::fstat(fd, &status) != 0) return systemError(errno);
  result.fd = fd;
  result.device = status.st_dev;
  result.number = status.st_ino;
  return {};
}

}  // namespace kairos::detail
