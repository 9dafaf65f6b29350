// SPDX-License-Identifier: MIT OR Apache-2.0
// A chat: what one says, all others hear. Try `chat 127.0.0.1:7777` and some `nc 127.0.0.1 7777`.
//
// It shows a broadcast queue between coroutines. For each guest one coroutine hears and another
// speaks; whichever ends first ends the other. A guest who takes nothing for a second, or is a
// thousand lines behind, is shown the door, and nobody else has waited for that.

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/examples/serving.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"

namespace {

using kairos::Future;
using kairos::Loop;
using kairos::StreamTransport;

struct Line {
  int speaker;
  std::string text;
};
using Room = kairos::AsyncEventQueue<Line>;

constexpr std::chrono::seconds patience(1);
constexpr std::size_t linesMax = 1000;

// Nobody hears what is said after the end.
void tell(Room& room, int guest, const std::string& text) {
  if (room.isClosed()) return;
  room.emit({guest, "guest " + std::to_string(guest) + text + "\n"});
}

// To the end, or until something is wrong with the line. Whoever says much at once lets the others
// hear each line before the next.
Future<> hear(Loop& loop, StreamTransport& stream, Room& room, int guest) {
  for (;;) {
    const auto [error, line] = co_await noThrow(kairos::readLine(stream, {.limit = 4096}));
    if (error || !line) co_return;
    tell(room, guest, ": " + std::string(*line));
    co_await kairos::sleepAsync(loop.futureContext(), std::chrono::seconds(0));
  }
}

// All that there is at a time, in one write.
Future<> speak(Loop& loop, StreamTransport& stream, Room::Reader& lines, int guest) {
  while (auto line = co_await lines.next()) {
    std::string text;
    for (; line; line = lines.tryNext()) {
      if (line->speaker != guest) text += line->text;
    }
    Future<> writing = asFuture(loop.futureContext(), kairos::write(stream, text));
    co_await kairos::wait(std::move(writing), patience);
  }
}

Future<> welcome(Loop& loop, StreamTransport stream, Room& room, int guest) {
  tell(room, guest, " has come");
  Room::Reader lines(room);
  Future<> hearing = hear(loop, stream, room, guest);
  Future<> speaking = speak(loop, stream, lines, guest);
  std::vector<kairos::FutureBase> both;
  both.push_back(hearing);
  both.push_back(speaking);
  co_await kairos::race(loop.futureContext(), std::move(both));
  co_await cancelAndWait(hearing);
  co_await cancelAndWait(speaking);
  static_cast<void>(co_await noThrow(speaking));  // one who is too slow is no error of ours
  tell(room, guest, " has gone");
}

// Until it is cancelled.
Future<> serve(Loop& loop, kairos::StreamServer server, Room& room) {
  for (int guest = 1;; ++guest) {
    auto [error, accepted] = co_await noThrow(kairos::accept(server));
    if (error == std::errc::operation_canceled) break;
    if (error) {
      kairos::examples::report("accept", error);
    } else {
      kairos::asyncCheck(welcome(loop, std::move(accepted.stream), room, guest));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  if (!kairos::examples::parseArguments(argc, argv, address)) return 2;
  Loop loop;
  Room room(loop.futureContext(), linesMax);
  kairos::SignalSet signals;
  kairos::StreamServer server;
  if (kairos::examples::openSignals(loop.transportContext(), signals)) return 1;
  if (kairos::examples::listen(loop.transportContext(), address, server)) return 1;
  Future<> serving = serve(loop, std::move(server), room);
  kairos::asyncCheck(serving);
  kairos::examples::runUntilSignal(loop, signals);
  // For the guests, the end of the room is that of the chat. They refer to it until they have left.
  serving.cancelSoon();
  room.close();
  loop.drain(kairos::Reactor::forever);
  return 0;
}
