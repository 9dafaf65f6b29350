// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Linked into a program, counts every heap allocation of the process, those of shared libraries and
// of operator new included, and says at the end how many there were. It defines malloc and its
// relatives on top of glibc's own entry points.
#include <cerrno>
#include <cstddef>
#include <cstdio>

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

}  // extern "C"

namespace {

// A plain number: the benchmarks are single-threaded.
unsigned long long allocations = 0;

struct Reporter {
  ~Reporter() { std::fprintf(stderr, "allocations: %llu\n", allocations); }
};

Reporter reporter;

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}

void* realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) { return aligned_alloc(alignment, bytes); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  *memory = aligned_alloc(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
