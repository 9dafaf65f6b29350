// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_HIREDIS_ADAPTER_H_
#define KAIROS_REACTOR_EXAMPLES_HIREDIS_ADAPTER_H_

#include <hiredis/async.h>

#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// Lets `reactor` do the waiting of a hiredis context, until hiredis frees the context. To be called
// once for each, before its first command. If the reactor refuses the socket later, the context is
// freed in the next poll, which ends its commands.
void attach(Reactor& reactor, redisAsyncContext& context);

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_HIREDIS_ADAPTER_H_
