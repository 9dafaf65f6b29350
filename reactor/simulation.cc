// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/simulation.h"

#include "kairos/reactor/reactor_access.h"
#include "kairos/reactor/simulation/kernel.h"
#include "kairos/reactor/simulation/machine.h"
#include "kairos/reactor/simulation/tape.h"

namespace kairos {

using detail::SimulatedKernel;
using detail::SimulatedMachine;
using detail::Tape;

namespace {

constexpr std::size_t pairBytes = 4096;

std::error_code codeOf(std::errc error) {
  return error == std::errc() ? std::error_code() : std::make_error_code(error);
}

Simulation::Transfer told(const SimulatedKernel::Transfer& transfer) {
  return {transfer.bytes, codeOf(transfer.error)};
}

}  // namespace

Simulation::Simulation() : machine_(std::make_unique<SimulatedMachine>(Tape())) {}

Simulation::Simulation(std::uint64_t seed)
    : machine_(std::make_unique<SimulatedMachine>(Tape(seed))) {}

Simulation::Simulation(std::span<const std::uint8_t> choices)
    : machine_(std::make_unique<SimulatedMachine>(Tape(choices))) {}

Simulation::~Simulation() = default;

Reactor Simulation::makeReactor() noexcept {
  return detail::ReactorAccess::create(machine_->openBackend());
}

void Simulation::setFaults(const SimulatedFaults& faults) { machine_->setFaults(faults); }

std::uint64_t Simulation::choose(std::uint64_t bound) { return machine_->tape().below(bound); }

// ---- Time

Clock::time_point Simulation::now() const { return machine_->now(); }

Clock::duration Simulation::elapsed() const { return machine_->elapsed(); }

void Simulation::advance(Clock::duration by) { machine_->advance(by); }

void Simulation::at(Clock::time_point time, CallbackFunc callback, void* udata) {
  machine_->at(time, {callback, udata});
}

// ---- Descriptors

Simulation::Pair Simulation::openPair() {
  const SimulatedKernel::Ends ends = machine_->kernel().openPair(pairBytes);
  return {ends.near, ends.far};
}

Fd Simulation::openCounter() { return machine_->kernel().openCounter(0); }

Fd Simulation::openRegularFile() { return machine_->kernel().openRegularFile(); }

Fd Simulation::duplicate(Fd fd) { return machine_->kernel().duplicate(fd); }

bool Simulation::close(Fd fd) { return machine_->kernel().close(fd); }

Simulation::Transfer Simulation::send(Fd end, std::string_view bytes) {
  return told(machine_->kernel().send(end, bytes));
}

Simulation::Transfer Simulation::receive(Fd end, std::span<char> into) {
  return told(machine_->kernel().receive(end, into));
}

std::error_code Simulation::shutDown(Fd end) { return codeOf(machine_->kernel().shutDown(end)); }

std::error_code Simulation::reset(Fd end) { return codeOf(machine_->kernel().reset(end)); }

std::error_code Simulation::bump(Fd counter) { return codeOf(machine_->kernel().bump(counter, 1)); }

std::uint64_t Simulation::take(Fd counter) { return machine_->kernel().take(counter); }

}  // namespace kairos
