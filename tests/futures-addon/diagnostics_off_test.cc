// SPDX-License-Identifier: MIT OR Apache-2.0
// The same calls in a build that tracks nothing, as builds do unless told otherwise.
#include <stdexcept>
#include <type_traits>

#include "kairos/futures-addon/diagnostics.h"
#include "kairos/futures-addon/prometheus.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

// F53
static_assert(!diagnosticsEnabled());
static_assert(std::is_empty_v<detail::FutureTracking>);
static_assert(std::is_empty_v<detail::ContextTracking>);
static_assert(std::is_empty_v<detail::WaiterTracking>);
static_assert(std::is_empty_v<StackTrace>);

class DiagnosticsOffTest : public FutureTest {};

INSTANTIATE_TEST_SUITE_P(Backends, DiagnosticsOffTest, backends(), backendName);

Future<> pass(Future<> future) { co_await future; }

// F53
TEST_P(DiagnosticsOffTest, TellNothing) {
  Promise<> promise(context_);
  const Future<> future = pass(promise.future());
  EXPECT_TRUE(pendingFutures(context_).empty());
  EXPECT_TRUE(futuresInProgress(context_).empty());
  EXPECT_TRUE(awaitersOf(promise.future()).empty());
  EXPECT_EQ(futureCounts(context_).created, 0U);
  EXPECT_EQ(prometheusText(context_), "");
  promise.fail(std::runtime_error("broken"));
  settle();
  EXPECT_TRUE(failurePlaces(future).empty());
  EXPECT_THROW(std::rethrow_exception(future.readError()), std::runtime_error);
}

}  // namespace
}  // namespace kairos
