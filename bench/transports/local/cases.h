// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOCAL_CASES_H_
#define KAIROS_BENCH_TRANSPORTS_LOCAL_CASES_H_

namespace kairos::bench {

// Each prints what `count` operations take, one of them in the mean.

// An event is raised that was raised already.
void wakeKairos(long count);
void wakeLibuv(long count);

// Another thread posts, the loop runs what it posts.
void postKairos(long count);
void postAsio(long count);

// One of a thousand idle limits is refreshed; the loop turns after a thousand.
void touchKairos(long count);
void touchLibev(long count);

// A child process that does nothing, from its start to its end, one after the other.
void spawnKairos(long count);
void spawnLibuv(long count);
void spawnBare(long count);  // posix_spawn(3) and waitpid(2)

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOCAL_CASES_H_
