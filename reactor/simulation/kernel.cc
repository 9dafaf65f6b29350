// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/simulation/kernel.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace kairos::detail {
namespace {

// The largest value that an eventfd holds.
constexpr std::uint64_t counterMax = std::numeric_limits<std::uint64_t>::max() - 1;

}  // namespace

// ---- Descriptors

SimulatedKernel::FileIndex SimulatedKernel::indexOf(Fd fd) const {
  const bool isNumber = fd >= 0 && static_cast<std::size_t>(fd) < numbers_.size();
  return isNumber ? numbers_[static_cast<std::size_t>(fd)] : noFile;
}

SimulatedKernel::FileId SimulatedKernel::fileOf(Fd fd) const {
  const FileIndex file = indexOf(fd);
  return file == noFile ? 0 : files_[file].id;
}

SimulatedKernel::FileIndex SimulatedKernel::makeFile(Kind kind) {
  if (freeFiles_.empty()) {
    freeFiles_.push_back(static_cast<FileIndex>(files_.size()));
    files_.emplace_back();
  }
  const FileIndex index = freeFiles_.back();
  freeFiles_.pop_back();
  files_[index].kind = kind;
  files_[index].id = ++filesMade_;
  return index;
}

Fd SimulatedKernel::giveNumber(FileIndex file) {
  while (lowest_ < numbers_.size() && numbers_[lowest_] != noFile) ++lowest_;
  if (lowest_ == numbers_.size()) numbers_.push_back(noFile);
  numbers_[lowest_] = file;
  ++files_[file].references;
  return static_cast<Fd>(lowest_++);
}

SimulatedKernel::Ends SimulatedKernel::openPair(std::size_t capacity) {
  const FileIndex near = makeFile(Kind::stream);
  const FileIndex far = makeFile(Kind::stream);
  files_[near].peer = far;
  files_[far].peer = near;
  files_[near].capacity = files_[far].capacity = capacity;
  const Fd first = giveNumber(near);
  return {first, giveNumber(far)};
}

Fd SimulatedKernel::openCounter(std::uint64_t value) {
  const FileIndex file = makeFile(Kind::counter);
  files_[file].value = value;
  return giveNumber(file);
}

Fd SimulatedKernel::openRegularFile() { return giveNumber(makeFile(Kind::regular)); }

Fd SimulatedKernel::duplicate(Fd fd) {
  const FileIndex file = indexOf(fd);
  return file == noFile ? -1 : giveNumber(file);
}

bool SimulatedKernel::close(Fd fd) {
  const FileIndex file = indexOf(fd);
  if (file == noFile) return false;
  const auto number = static_cast<std::size_t>(fd);
  numbers_[number] = noFile;
  lowest_ = std::min(lowest_, number);
  if (--files_[file].references == 0) end(file);
  return true;
}

void SimulatedKernel::end(FileIndex index) {
  File& file = files_[index];
  while (!file.entries.empty()) removeEntry(file.entries.back());
  if (file.peer != noFile) {
    File& peer = files_[file.peer];
    breakOff(peer, file.unread.empty() ? peer.error : std::errc::connection_reset);
  }
  // Keeps the memory of the buffers for the next file.
  std::string unread = std::move(file.unread);
  std::vector<EntryIndex> entries = std::move(file.entries);
  unread.clear();
  file = File();
  file.unread = std::move(unread);
  file.entries = std::move(entries);
  freeFiles_.push_back(index);
}

// ---- Contents

bool SimulatedKernel::isFull(const File& file) const {
  return file.peer != noFile && files_[file.peer].unread.size() >= file.capacity;
}

std::uint32_t SimulatedKernel::bitsOf(const File& file) const {
  if (file.kind == Kind::counter) {
    return (file.value > 0 ? readableBit : 0u) | (file.value < counterMax ? writableBit : 0u);
  }
  std::uint32_t bits = 0;
  if (file.receivesNoMore) bits |= peerShutBit | readableBit;
  if (file.receivesNoMore && file.sendsNoMore) bits |= hungUpBit;
  if (file.error != std::errc()) bits |= errorBit;
  if (!file.unread.empty()) bits |= readableBit;
  if (!isFull(file)) bits |= writableBit;
  return bits;
}

bool SimulatedKernel::hasReadiness(Fd fd) const {
  const FileIndex file = indexOf(fd);
  return file != noFile && files_[file].kind != Kind::regular;
}

std::uint32_t SimulatedKernel::readiness(Fd fd) const {
  const FileIndex file = indexOf(fd);
  if (file == noFile) return 0;
  // As poll(2) says of files without readiness.
  if (files_[file].kind == Kind::regular) return readableBit | writableBit;
  return bitsOf(files_[file]);
}

SimulatedKernel::File* SimulatedKernel::find(Fd fd, Kind kind, std::errc& error) {
  const FileIndex file = indexOf(fd);
  const bool isKind = file != noFile && files_[file].kind == kind;
  if (!isKind)
    error = file == noFile ? std::errc::bad_file_descriptor : std::errc::invalid_argument;
  return isKind ? &files_[file] : nullptr;
}

SimulatedKernel::Transfer SimulatedKernel::send(Fd fd, std::string_view bytes) {
  std::errc error{};
  File* const file = find(fd, Kind::stream, error);
  if (file == nullptr) return {0, error};
  if (file->sendsNoMore || file->peer == noFile) return {0, std::errc::broken_pipe};
  if (isFull(*file)) return {0, std::errc::resource_unavailable_try_again};
  File& peer = files_[file->peer];
  const std::size_t sent = std::min(bytes.size(), file->capacity - peer.unread.size());
  peer.unread.append(bytes.substr(0, sent));
  noteChange(peer);
  return {sent, {}};
}

SimulatedKernel::Transfer SimulatedKernel::receive(Fd fd, std::span<char> into) {
  std::errc error{};
  File* const file = find(fd, Kind::stream, error);
  if (file == nullptr) return {0, error};
  if (file->unread.empty()) {
    if (file->error != std::errc()) return {0, std::exchange(file->error, std::errc())};
    if (file->receivesNoMore) return {};
    return {0, std::errc::resource_unavailable_try_again};
  }
  const std::size_t received = file->unread.copy(into.data(), into.size());
  file->unread.erase(0, received);
  if (file->peer != noFile) noteChange(files_[file->peer]);
  return {received, {}};
}

std::errc SimulatedKernel::shutDown(Fd fd) {
  std::errc error{};
  File* const file = find(fd, Kind::stream, error);
  if (file == nullptr) return error;
  if (file->peer == noFile) return {};
  file->sendsNoMore = true;
  files_[file->peer].receivesNoMore = true;
  noteChange(*file);
  noteChange(files_[file->peer]);
  return {};
}

void SimulatedKernel::breakOff(File& file, std::errc error) {
  file.peer = noFile;
  file.error = error;
  file.receivesNoMore = file.sendsNoMore = true;
  noteChange(file);
}

std::errc SimulatedKernel::reset(Fd fd) {
  std::errc error{};
  File* const file = find(fd, Kind::stream, error);
  if (file == nullptr) return error;
  file->unread.clear();
  if (file->peer != noFile) {
    File& peer = files_[file->peer];
    peer.unread.clear();
    breakOff(peer, std::errc::connection_reset);
  }
  breakOff(*file, std::errc::connection_reset);
  return {};
}

std::errc SimulatedKernel::bump(Fd fd, std::uint64_t by) {
  std::errc error{};
  File* const file = find(fd, Kind::counter, error);
  if (file == nullptr) return error;
  if (by > counterMax - file->value) return std::errc::resource_unavailable_try_again;
  file->value += by;
  noteChange(*file);
  return {};
}

std::uint64_t SimulatedKernel::take(Fd fd) {
  std::errc error{};
  File* const file = find(fd, Kind::counter, error);
  if (file == nullptr) return 0;
  const std::uint64_t value = std::exchange(file->value, 0);
  noteChange(*file);
  return value;
}

// ---- Sets

SimulatedKernel::SetId SimulatedKernel::openSet() {
  SetId set = 0;
  while (set < sets_.size() && sets_[set].isOpen) ++set;
  if (set == sets_.size()) sets_.emplace_back();
  sets_[set].isOpen = true;
  return set;
}

void SimulatedKernel::closeSet(SetId set) {
  for (EntryIndex entry = 0; entry < entries_.size(); ++entry) {
    if (entries_[entry].set == set && entries_[entry].isRegistered) removeEntry(entry);
  }
  for (const EntryIndex entry : sets_[set].candidates) recycle(entry);
  sets_[set] = {};
}

std::errc SimulatedKernel::control(SetId set, Change change, Fd fd, std::uint32_t bits,
                                   std::uint64_t data) {
  const FileIndex index = indexOf(fd);
  if (index == noFile) return std::errc::bad_file_descriptor;
  const File& file = files_[index];
  if (file.kind == Kind::regular) return std::errc::operation_not_permitted;
  const EntryIndex* const known = findEntry(set, fd, file);
  if (change == Change::add) {
    if (known != nullptr) return std::errc::file_exists;
    addEntry({set, fd, index, bits, data, true, false});
    return {};
  }
  if (known == nullptr) return std::errc::no_such_file_or_directory;
  if (change == Change::modify) {
    this->change(*known, bits, data);
  } else {
    removeEntry(*known);
  }
  return {};
}

const SimulatedKernel::EntryIndex* SimulatedKernel::findEntry(SetId set, Fd fd,
                                                              const File& file) const {
  for (const EntryIndex& entry : file.entries) {
    if (entries_[entry].set == set && entries_[entry].fd == fd) return &entry;
  }
  return nullptr;
}

void SimulatedKernel::addEntry(const Entry& entry) {
  if (freeEntries_.empty()) {
    freeEntries_.push_back(static_cast<EntryIndex>(entries_.size()));
    entries_.emplace_back();
  }
  const EntryIndex index = freeEntries_.back();
  freeEntries_.pop_back();
  entries_[index] = entry;
  files_[entry.file].entries.push_back(index);
  nominate(index);
}

void SimulatedKernel::change(EntryIndex entry, std::uint32_t bits, std::uint64_t data) {
  entries_[entry].bits = bits;
  entries_[entry].data = data;
  nominate(entry);
}

void SimulatedKernel::removeEntry(EntryIndex index) {
  Entry& entry = entries_[index];
  std::erase(files_[entry.file].entries, index);
  entry.isRegistered = false;
  if (!entry.isCandidate) recycle(index);
}

// What is still in a list of candidates has to leave it first.
void SimulatedKernel::recycle(EntryIndex entry) {
  assert(!entries_[entry].isRegistered);
  freeEntries_.push_back(entry);
}

void SimulatedKernel::noteChange(const File& file) {
  for (const EntryIndex entry : file.entries) nominate(entry);
}

void SimulatedKernel::nominate(EntryIndex index) {
  Entry& entry = entries_[index];
  if (entry.isCandidate) return;
  entry.isCandidate = true;
  sets_[entry.set].candidates.push_back(index);
}

void SimulatedKernel::collect(SetId set, std::size_t most, std::vector<Event>& found) {
  found.clear();
  std::deque<EntryIndex>& candidates = sets_[set].candidates;
  for (std::size_t left = candidates.size(); left > 0 && found.size() < most; --left) {
    const EntryIndex index = candidates.front();
    candidates.pop_front();
    Entry& entry = entries_[index];
    if (!entry.isRegistered) {
      recycle(index);
      continue;
    }
    const File& file = files_[entry.file];
    const std::uint32_t bits = bitsOf(file) & (entry.bits | errorBit | hungUpBit);
    if (bits == 0) {
      entry.isCandidate = false;
      continue;
    }
    found.push_back({entry.fd, file.id, bits, entry.data});
    candidates.push_back(index);
  }
}

std::uint32_t SimulatedKernel::registeredBits(SetId set, Fd fd) const {
  const FileIndex file = indexOf(fd);
  const EntryIndex* const entry = file == noFile ? nullptr : findEntry(set, fd, files_[file]);
  return entry == nullptr ? 0 : entries_[*entry].bits;
}

std::vector<SimulatedKernel::Event> SimulatedKernel::registrations(SetId set) const {
  std::vector<Event> all;
  for (const Entry& entry : entries_) {
    if (!entry.isRegistered || entry.set != set) continue;
    all.push_back({entry.fd, files_[entry.file].id, entry.bits, entry.data});
  }
  return all;
}

}  // namespace kairos::detail
