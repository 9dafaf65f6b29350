// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_DESCRIPTORS_H_
#define KAIROS_TESTS_SUPPORT_DESCRIPTORS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// Two connected non-blocking ends.
struct Pair {
  UniqueFd near;
  UniqueFd far;
};

Pair pair();      // unix stream sockets
Pair pipePair();  // near reads, far writes
Pair tcpPair();   // over loopback
UniqueFd tcpListener();
UniqueFd counter(unsigned value = 0);  // an eventfd: readable while its value is not zero
UniqueFd duplicate(Fd fd);

// A number that no open descriptor has, and the lowest that has none.
Fd unusedFd();
// Opens a copy of `fd` with exactly that number, which must be free.
void duplicateTo(Fd fd, Fd number);

void writeByte(Fd fd);
std::size_t drain(Fd fd);  // how many bytes could be read
void fill(Fd fd);          // until it is not writable any more
void bump(Fd counter);     // makes a counter() readable
bool isOpen(Fd fd);

std::set<Fd> openFds();
// What is open now and was not before.
std::set<Fd> openedSince(const std::set<Fd>& before);

// The epoll descriptors of this process.
std::set<Fd> epollFds();

// The descriptors that the kernel watches for an epoll descriptor, with their EPOLL* masks.
std::map<Fd, std::uint32_t> kernelSet(Fd epoll);

// Raises the soft limit of descriptors to the hard one, and returns it.
std::size_t raiseFdLimit();

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_DESCRIPTORS_H_
