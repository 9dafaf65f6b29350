// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_SERVICES_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_SERVICES_H_

namespace kairos::bench {

// A service of one contestant. It is given a socket and serves until the process is ended: there is
// no way to stop it in an orderly way, which would cost some of the contestants something.
using Serve = void (*)(int socket);

// TCP, on a listening socket: what is received is sent back. A connection whose peer has ended it
// is closed.
void echoBare(int listener);
void echoBareTwin(int listener);
void echoKairos(int listener);
void echoKairosShared(int listener);  // sessions share the operations to write with
void echoKairosAwait(int listener);   // by coroutines of the futures
void echoLibuv(int listener);
void echoLibevent(int listener);
void echoAsio(int listener);

// TCP: what is received is counted and thrown away. When the peer has ended its side, the number of
// bytes is the answer, as 8 bytes of this machine.
void discardBare(int listener);
void discardKairos(int listener);
void discardLibuv(int listener);
void discardLibevent(int listener);
void discardAsio(int listener);

// TCP: for each byte that comes, a file of 1 MiB is sent by sendfile(2).
void fileBare(int listener);
void fileKairos(int listener);

// UDP, on a bound socket: each datagram is sent back to where it came from.
void datagramsBare(int socket);  // one recvfrom(2) and one sendto(2) each
void datagramsBareTwin(int socket);
void datagramsBareBatches(int socket);  // recvmmsg(2) and sendmmsg(2)
void datagramsKairos(int socket);
void datagramsLibuv(int socket);
void datagramsAsio(int socket);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_SERVICES_H_
