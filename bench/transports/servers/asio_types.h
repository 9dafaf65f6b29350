// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_TYPES_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_TYPES_H_

// clang-format off
#include <utility>  // first: Boost 1.74 uses std::exchange without including it
#include <boost/asio.hpp>
// clang-format on

namespace kairos::bench {

// Asio without polymorphic executors; a context made with asioUnsafe takes no locks.
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using AsioExecutor = asio::io_context::executor_type;
using AsioAcceptor = asio::basic_socket_acceptor<tcp, AsioExecutor>;
using AsioStream = asio::basic_stream_socket<tcp, AsioExecutor>;
using AsioDatagrams = asio::basic_datagram_socket<udp, AsioExecutor>;
inline constexpr int asioUnsafe = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE;

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_TYPES_H_
