# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bugs in what is known of descriptors, and in the backends."""

from mutant import mutants_of

_TABLE = mutants_of(
    "reactor/fd_table.h",
    (
        "table-reads-past-its-end",
        "a number just past the table is looked up",
        "if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return nullptr;",
        "if (chunk > chunks_.size() || chunks_.data()[chunk] == nullptr) return nullptr;",
    ),
    (
        "change-list-twice",
        "a descriptor that changes twice between polls makes the list of changes endless",
        "    if (entry.nextChanged != notNoted) return;\n",
        "",
    ),
    (
        "change-list-once-ever",
        "only the first change of a descriptor is ever told to the OS",
        "    entry.nextChanged = notNoted;\n",
        "",
    ),
) + mutants_of(
    "reactor/fd_table.cc",
    (
        "table-leaks",
        "the memory of descriptors is not given back",
        "  for (std::size_t i = 0; i < chunks_.size(); ++i) std::free(chunks_[i]);\n",
        "",
    ),
    (
        "table-forgets",
        "entries are lost when a second number of their chunk is registered",
        "  if (FdEntry* entry = find(fd)) return entry;\n",
        "",
    ),
) + mutants_of(
    "reactor/record_array.h",
    (
        "array-lost-without-memory",
        "an array that cannot grow loses what it holds",
        "    if (grown == nullptr) return false;\n    data_ = static_cast<T*>(grown);\n",
        "    data_ = static_cast<T*>(grown);\n    if (grown == nullptr) return false;\n",
    ),
)

_EPOLL = mutants_of(
    "reactor/backends/epoll_backend.cc",
    (
        "edge-triggered",
        "what is still ready is not reported again",
        "(interest.write ? std::uint32_t{EPOLLOUT} : 0u);",
        "(interest.write ? std::uint32_t{EPOLLOUT} : 0u) | std::uint32_t{EPOLLET};",
    ),
    (
        "hang-up-wakes-reader-only",
        "a writer does not learn of an error",
        "(what & (EPOLLOUT | broken)) != 0",
        "(what & EPOLLOUT) != 0",
    ),
    (
        "interrupted-is-error",
        "a signal is reported as an error",
        "if (count < 0 && errno != EINTR) error = lastError();",
        "if (count < 0) error = lastError();",
    ),
    (
        "refused-wait-swallowed",
        "a loop spins on a wait that the OS refuses",
        "if (count < 0 && errno != EINTR) error = lastError();",
        "(void)error;",
    ),
    (
        "no-second-try",
        "a file that the OS still has under the same number cannot be added again",
        "  if (errno == EEXIST && epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return {};\n",
        "",
    ),
    (
        "rounded-down",
        "a wait in milliseconds ends early",
        "  const auto roundedUp = whole.count() + (isWhole ? 0 : 1);\n",
        "  const auto roundedUp = whole.count();\n",
    ),
    (
        "long-wait-not-cut",
        "a wait longer than the OS takes wraps around",
        "static_cast<int>(std::min<long long>(roundedUp, INT_MAX))",
        "static_cast<int>(roundedUp)",
    ),
    (
        "inherited-by-exec",
        "the reactor's descriptor is inherited by the programs that the user runs",
        "epoll_create1(EPOLL_CLOEXEC)",
        "epoll_create1(0)",
    ),
    (
        "batch-does-not-grow",
        "a poll serves 64 descriptors however many are ready",
        "  full_ = count == batch_ && batch_ < batchMax;\n",
        "",
    ),
    (
        "batch-without-bound",
        "a poll serves any number of descriptors before it looks at its timers",
        "constexpr std::size_t batchMax = 1024;\n",
        "constexpr std::size_t batchMax = 1 << 20;\n",
    ),
    (
        "descriptor-leak",
        "a destroyed reactor leaves its descriptor open",
        "  ~EpollBackend() override { close(epoll_); }\n",
        "",
    ),
    (
        "descriptor-leak-without-memory",
        "a reactor that found no memory leaves its descriptor open",
        "  if (!backend) close(epoll);\n",
        "",
    ),
    (
        "asks-each-time",
        "each wait asks for a call that the OS does not have",
        "    hasNanoseconds_ = false;\n",
        "",
    ),
)

_POLL_BACKEND = mutants_of(
    "reactor/backends/poll_backend.cc",
    (
        "poll-starves",
        "descriptors beyond the first batch never get their turn",
        "  next_ = count == 0 ? 0 : (next_ + looked) % count;\n",
        "  (void)looked;\n",
    ),
    (
        "poll-closed-spins",
        "a closed descriptor makes polls return early for ever",
        "    polled.fd = silenced(polled.fd);  // until removed\n",
        "",
    ),
    (
        "poll-misplaces",
        "after a removal the last descriptor cannot be found",
        "    places_[numberOf(polled_[place])] = static_cast<std::uint32_t>(place + 1);\n",
        "",
    ),
    (
        "poll-takes-files",
        "a regular file is taken and is always ready",
        "S_ISREG(file.st_mode) || S_ISDIR(file.st_mode)",
        "S_ISDIR(file.st_mode)",
    ),
    (
        "poll-adopts-strangers",
        "a change of direction takes over a new file that has an old number",
        "if (!same || polled_[place].fd < 0)",
        "if (polled_[place].fd < 0)",
    ),
    (
        "poll-long-wait-not-cut",
        "a wait longer than the OS takes wraps around",
        "static_cast<int>(std::min<long long>(roundedUp, INT_MAX))",
        "static_cast<int>(roundedUp)",
    ),
    (
        "poll-rounds-down",
        "a wait ends early",
        "whole.count() + (whole == limit ? 0 : 1)",
        "whole.count()",
    ),
)

MUTANTS = _TABLE + _EPOLL + _POLL_BACKEND
