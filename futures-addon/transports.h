// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TRANSPORTS_H_
#define KAIROS_FUTURES_ADDON_TRANSPORTS_H_

// All operations of //transports for coroutines.

#include "kairos/futures-addon/connection.h"
#include "kairos/futures-addon/datagrams.h"
#include "kairos/futures-addon/signals.h"
#include "kairos/futures-addon/stream.h"
#include "kairos/futures-addon/subprocess.h"
#include "kairos/futures-addon/thread_signal.h"
#include "kairos/futures-addon/transport_call.h"

#endif  // KAIROS_FUTURES_ADDON_TRANSPORTS_H_
