# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The echo server on asyncdispatch, by its own procedures on descriptors, without the buffers of
# asyncnet. Says its port and process on the first line, as the other servers do.
import asyncdispatch, nativesockets, net, os

proc serve(client: AsyncFD) {.async.} =
  while true:
    let data = await client.recv(16384)
    if data.len == 0: break
    await client.send(data)
  client.closeSocket()

proc main() {.async.} =
  let listener = createAsyncNativeSocket()
  let handle = SocketHandle(listener)
  handle.setSockOptInt(SOL_SOCKET, SO_REUSEADDR, 1)
  handle.setSockOptInt(cint(IPPROTO_TCP), 1, 1)  # TCP_NODELAY, which connections inherit
  var address: Sockaddr_in
  address.sin_family = toInt(Domain.AF_INET).uint16
  address.sin_addr.s_addr = htonl(0x7f000001'u32)
  doAssert bindAddr(handle, cast[ptr SockAddr](addr address), sizeof(address).SockLen) == 0
  doAssert nativesockets.listen(handle, 4096) == 0
  echo getLocalAddr(handle, Domain.AF_INET)[1].int, " ", getCurrentProcessId()
  stdout.flushFile()
  while true:
    asyncCheck serve(await listener.accept())

waitFor main()
