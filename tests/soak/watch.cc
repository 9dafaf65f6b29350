// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/watch.h"

#include <unistd.h>

#include "kairos/tests/soak/raw_client.h"

namespace kairos::soak {
namespace {

constexpr double noticeSeconds = 10;

void waitForDescriptors(pid_t process, std::size_t count) {
  const Budget patience(noticeSeconds);
  while (openDescriptors(process) != count && !patience.isOver()) ::usleep(5000);
}

}  // namespace

ServerWatch::ServerWatch(EchoServer& server, Figures& figures)
    : server_(server), figures_(figures) {
  const std::size_t listening = openDescriptors(server.process());
  { RawClient(server.address()).exchange(); }
  waitForDescriptors(server.process(), listening);
  figures_.fdsBefore = openDescriptors(server.process());
  take();
}

void ServerWatch::finish() {
  waitForDescriptors(server_.process(), figures_.fdsBefore);
  figures_.fdsAfter = openDescriptors(server_.process());
  figures_.rssAfter = residentKilobytes(server_.process());
  if (!server_.stop()) figures_.failure = "the server did not end well";
}

}  // namespace kairos::soak
