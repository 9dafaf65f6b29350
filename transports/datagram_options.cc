// SPDX-License-Identifier: MIT OR Apache-2.0
// The options of a DatagramTransport that its socket keeps.
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/detail/socket_option.h"

namespace kairos {
namespace {

using detail::getOption;
using detail::setOption;

// The number of an option for either version of IP.
struct IpOption {
  int ipv4;
  int ipv6;
};

// A socket of IPv6 has both: it may send IPv4 datagrams too.
template <class Ipv4Value>
std::error_code setIp(Fd fd, IpOption option, int value, const Ipv4Value& ipv4Value) {
  int family = 0;
  if (const auto error = getOption(fd, SOL_SOCKET, SO_DOMAIN, family)) return error;
  if (family == AF_INET6) {
    if (const auto error = setOption(fd, IPPROTO_IPV6, option.ipv6, value)) return error;
  }
  return setOption(fd, IPPROTO_IP, option.ipv4, ipv4Value);
}

std::error_code setIp(Fd fd, IpOption option, int value) { return setIp(fd, option, value, value); }

// RFC 3678, for both versions of IP.
std::error_code changeGroup(Fd fd, int option, const Address& group, unsigned interface) {
  if (!group.isIp()) return std::make_error_code(std::errc::invalid_argument);
  group_req request{};
  request.gr_interface = interface;
  std::memcpy(&request.gr_group, group.sockaddrData(), group.sockaddrSize());
  return setOption(fd, group.isIpv6() ? IPPROTO_IPV6 : IPPROTO_IP, option, request);
}

// Else Linux shows a socket also what is for groups that others have joined (ip(7)).
std::error_code leaveOutGroupsOfOthers(Fd fd) {
  return setIp(fd, {IP_MULTICAST_ALL, IPV6_MULTICAST_ALL}, 0);
}

// -1 would stand for the system's default.
std::error_code setChecked(Fd fd, IpOption option, int hops, int hopsMin) {
  if (hops < hopsMin || hops > 255) return std::make_error_code(std::errc::invalid_argument);
  return setIp(fd, option, hops);
}

}  // namespace

std::error_code DatagramTransport::dropped(std::uint32_t& result) const noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  const auto error = getOption(fd(), SOL_SOCKET, SO_MEMINFO, memory);
  if (!error) result = memory[SK_MEMINFO_DROPS];
  return error;
}

std::error_code DatagramTransport::setBroadcast(bool on) noexcept {
  return setOption(fd(), SOL_SOCKET, SO_BROADCAST, on ? 1 : 0);
}

std::error_code DatagramTransport::setHops(int hops) noexcept {
  return setChecked(fd(), {IP_TTL, IPV6_UNICAST_HOPS}, hops, 1);
}

std::error_code DatagramTransport::joinGroup(const Address& group, unsigned interface) noexcept {
  if (const auto error = changeGroup(fd(), MCAST_JOIN_GROUP, group, interface)) return error;
  const auto error = leaveOutGroupsOfOthers(fd());
  if (error) static_cast<void>(leaveGroup(group, interface));
  return error;
}

std::error_code DatagramTransport::leaveGroup(const Address& group, unsigned interface) noexcept {
  return changeGroup(fd(), MCAST_LEAVE_GROUP, group, interface);
}

std::error_code DatagramTransport::setMulticastInterface(unsigned interface) noexcept {
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(interface);
  return setIp(fd(), {IP_MULTICAST_IF, IPV6_MULTICAST_IF}, request.imr_ifindex, request);
}

std::error_code DatagramTransport::setMulticastLoop(bool on) noexcept {
  return setIp(fd(), {IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP}, on ? 1 : 0);
}

std::error_code DatagramTransport::setMulticastHops(int hops) noexcept {
  return setChecked(fd(), {IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS}, hops, 0);
}

}  // namespace kairos
