// SPDX-License-Identifier: MIT OR Apache-2.0
// Some work that waits, and what diagnostics.h tells of it: in a build that tracks futures.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include "kairos/futures-addon/diagnostics.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/prometheus.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/futures-addon/run.h"
#include "kairos/futures-addon/timeout.h"

namespace {

using kairos::Future;
using std::chrono::hours;

Future<int> askDatabase(Future<int> answer) { co_return co_await std::move(answer); }

Future<int> findUser(Future<int> answer) {
  co_return co_await kairos::wait(askDatabase(std::move(answer)), hours(1));
}

Future<> serve(Future<int> answer) { static_cast<void>(co_await findUser(std::move(answer))); }

void show(const char* title, const std::string& text) {
  std::printf("%s\n%s\n", title, text.c_str());
}

}  // namespace

int main() {
  if (!kairos::diagnosticsEnabled()) {
    std::puts("Nothing is tracked. Build with --//futures-addon:tracking=places");
    return 0;
  }
  kairos::Reactor reactor;
  kairos::FutureContext context(reactor);
  kairos::Promise<int> answer(context);
  const Future<> first = serve(answer.future());
  const Future<> second = serve(answer.future());

  show("In progress:", toText(futuresInProgress(context)));
  show("Waiting for the answer:", toText(awaitersOf(answer.future())));
  answer.fail(std::runtime_error("no such user"));
  kairos::waitFor(context, allFutures(first, second));
  show("The error came from:", toText(failurePlaces(first)));
  show("For Prometheus:", kairos::prometheusText(context));
}
