// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_SIMULATION_KERNEL_H_
#define KAIROS_REACTOR_SIMULATION_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// What a file is ready for, with the values of EPOLL*.
enum ReadyBits : std::uint32_t {
  readableBit = 0x001,
  writableBit = 0x004,
  errorBit = 0x008,
  hungUpBit = 0x010,
  peerShutBit = 0x2000,
};

// Descriptors, files and epoll sets as Linux has them, as plain data: no clock, no waiting, no
// choices. Numbers are given lowest first. A descriptor refers to a file; a file lives until its
// last descriptor is closed; a registration belongs to a set and is known by (descriptor, file), so
// it outlives its descriptor as long as the file does.
//
// A registration is in its set's list of candidates from the time that its file may have become
// ready until it was looked at and is not; one that is ready goes back to the end of the list.
class SimulatedKernel {
 public:
  using SetId = std::uint32_t;
  using FileId = std::uint64_t;  // never reused; 0: none

  struct Ends {
    Fd near;
    Fd far;
  };
  struct Transfer {
    std::size_t bytes = 0;
    std::errc error{};
  };
  struct Event {
    Fd fd;  // under which the file was registered
    FileId file;
    std::uint32_t bits;
    std::uint64_t data;
  };
  enum class Change { add, modify, remove };

  // ---- Descriptors

  // Two connected ends of a stream; each direction holds `capacity` bytes.
  Ends openPair(std::size_t capacity);
  // As eventfd(2): readable while its value is not zero.
  Fd openCounter(std::uint64_t value);
  // Has no readiness.
  Fd openRegularFile();
  // Another number for the same file; -1: `fd` is not open.
  Fd duplicate(Fd fd);
  // False: it was not open.
  bool close(Fd fd);

  // The file that a number names; 0: it is not open.
  FileId fileOf(Fd fd) const;
  // Of what kinds epoll_ctl(2) takes.
  bool hasReadiness(Fd fd) const;
  // As poll(2) says it, everything asked for.
  std::uint32_t readiness(Fd fd) const;

  // ---- Contents, as send(2), recv(2), shutdown(2) and eventfd(2) say it. The wrong kind of file
  // is an invalid_argument.

  Transfer send(Fd fd, std::string_view bytes);
  Transfer receive(Fd fd, std::span<char> into);
  // No more is sent from this end.
  std::errc shutDown(Fd fd);
  // The connection is lost, with what it carried: both ends are in error.
  std::errc reset(Fd fd);
  // Adds to a counter; takes its whole value.
  std::errc bump(Fd fd, std::uint64_t by);
  std::uint64_t take(Fd fd);

  // ---- Sets, as epoll_ctl(2) and epoll_wait(2)

  SetId openSet();
  void closeSet(SetId set);
  std::errc control(SetId set, Change change, Fd fd, std::uint32_t bits, std::uint64_t data);
  // Fills `found` with up to `most` of the ready. The next call begins with those left out.
  void collect(SetId set, std::size_t most, std::vector<Event>& found);
  // What `fd` and the file that it names now are registered for, together; 0: they are not.
  std::uint32_t registeredBits(SetId set, Fd fd) const;
  // All registrations, with the bits asked for, in no order.
  std::vector<Event> registrations(SetId set) const;

 private:
  using FileIndex = std::uint32_t;
  using EntryIndex = std::uint32_t;
  static constexpr FileIndex noFile = ~FileIndex{0};

  enum class Kind { unused, stream, counter, regular };
  struct File {
    Kind kind = Kind::unused;
    FileId id = 0;
    std::size_t references = 0;
    FileIndex peer = noFile;  // of a stream, while that is open
    std::size_t capacity = 0;
    std::string unread;
    bool receivesNoMore = false;
    bool sendsNoMore = false;
    std::errc error{};  // told once
    std::uint64_t value = 0;
    std::vector<EntryIndex> entries;
  };
  struct Entry {
    SetId set;
    Fd fd;
    FileIndex file;
    std::uint32_t bits;
    std::uint64_t data;
    bool isRegistered;
    bool isCandidate;
  };
  struct Set {
    bool isOpen = false;
    std::deque<EntryIndex> candidates;
  };

  FileIndex indexOf(Fd fd) const;
  // Null: `error` says why.
  File* find(Fd fd, Kind kind, std::errc& error);
  FileIndex makeFile(Kind kind);
  Fd giveNumber(FileIndex file);
  void end(FileIndex file);
  void breakOff(File& file, std::errc error);
  bool isFull(const File& file) const;
  std::uint32_t bitsOf(const File& file) const;
  void noteChange(const File& file);

  const EntryIndex* findEntry(SetId set, Fd fd, const File& file) const;
  void addEntry(const Entry& entry);
  void change(EntryIndex entry, std::uint32_t bits, std::uint64_t data);
  void removeEntry(EntryIndex entry);
  void recycle(EntryIndex entry);
  void nominate(EntryIndex entry);

  std::vector<FileIndex> numbers_;  // by descriptor
  std::size_t lowest_ = 0;          // no lower number is free
  std::vector<File> files_;
  std::vector<FileIndex> freeFiles_;
  FileId filesMade_ = 0;
  std::vector<Entry> entries_;
  std::vector<EntryIndex> freeEntries_;
  std::vector<Set> sets_;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_SIMULATION_KERNEL_H_
