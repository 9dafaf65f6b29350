// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstdio>

#include "kairos/reactor/reactor.h"

int main() {
  kairos::Reactor reactor;
  reactor.addTimer(
      kairos::Clock::duration::zero(), [](void*) { std::puts("hello from the loop"); }, nullptr);
  while (!reactor.poll(kairos::Reactor::forever).error) {
  }
}
