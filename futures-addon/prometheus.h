// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_PROMETHEUS_H_
#define KAIROS_FUTURES_ADDON_PROMETHEUS_H_

#include <span>
#include <string>
#include <vector>

#include "kairos/futures-addon/diagnostics.h"
#include "kairos/futures-addon/future_context.h"

namespace kairos {

// What diagnostics.h counts, for a monitoring system. Serving the text is left to the program; its
// media type is "text/plain; version=0.0.4".

// The numbers of one context at one time.
//
//   Thread      taken on the thread of the context; may then be used by any
struct FutureMetrics {
  std::string loop;  // a label; empty: none
  FutureCounts counts;
  std::vector<FutureGroup> groups;
};
FutureMetrics metricsOf(const FutureContext& context, std::string loop = {});

// In the text format of Prometheus (version 0.0.4 of the exposition format):
//
//   kairos_pending_futures{file,line,function,kind}     gauge
//   kairos_futures_created_total                        counters; completed, failed, cancelled and
//                                                       dropped are the others
//
// Several contexts, as of several threads, are told apart by the label `loop`, and want different
// names. Empty where diagnostics are off.
std::string prometheusText(std::span<const FutureMetrics> contexts);
std::string prometheusText(const FutureContext& context);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_PROMETHEUS_H_
