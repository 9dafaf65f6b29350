// SPDX-License-Identifier: MIT OR Apache-2.0
// The seam: what epoll_backend.cc is to Linux, on a simulated machine.
#include "kairos/reactor/backends/backend.h"

#include <new>
#include <span>
#include <system_error>
#include <vector>

#include "kairos/reactor/simulation/kernel.h"
#include "kairos/reactor/simulation/machine.h"

namespace kairos::detail {

class SimulatedBackend final : public Backend {
 public:
  explicit SimulatedBackend(SimulatedMachine& machine)
      : machine_(machine), set_(machine.kernel_.openSet()) {
    machine.lastSet_ = set_;
  }
  ~SimulatedBackend() override { machine_.kernel_.closeSet(set_); }

  std::error_code watch(Fd fd, std::uint64_t token, Interest from, Interest to) noexcept override;
  std::span<const Ready> wait(Clock::duration limit, std::error_code& error) noexcept override;
  Clock::time_point now() noexcept override { return machine_.read(); }
  std::unique_ptr<Backend> openAnother() noexcept override;

 private:
  using Change = SimulatedKernel::Change;

  SimulatedMachine& machine_;
  const SimulatedMachine::SetId set_;
  std::vector<Ready> ready_;  // the last batch
};

namespace {

std::uint32_t bitsOf(Interest interest) {
  return (interest.read ? readableBit : 0u) | (interest.write ? writableBit : 0u);
}

}  // namespace

std::error_code SimulatedBackend::watch(Fd fd, std::uint64_t token, Interest from,
                                        Interest to) noexcept {
  machine_.lastSet_ = set_;
  const Change change = !from.any() ? Change::add : to.any() ? Change::modify : Change::remove;
  std::errc error = machine_.kernel_.control(set_, change, fd, bitsOf(to), token);
  // To nothing: succeeds, also when the file is gone.
  if (change == Change::remove) return {};
  // The file was registered under this number before, closed, and opened again from a duplicate.
  if (error == std::errc::file_exists) {
    error = machine_.kernel_.control(set_, Change::modify, fd, bitsOf(to), token);
  } else if (error == std::errc() && change == Change::add) {
    error = machine_.refuseAddition(fd);
    if (error != std::errc()) machine_.kernel_.control(set_, Change::remove, fd, 0, token);
  }
  return error == std::errc() ? std::error_code() : std::make_error_code(error);
}

std::span<const Ready> SimulatedBackend::wait(Clock::duration limit,
                                              std::error_code& error) noexcept {
  machine_.lastSet_ = set_;
  if (const std::error_code refused = machine_.wait(set_, limit)) error = refused;
  ready_.clear();
  for (const SimulatedKernel::Event& event : machine_.wait_.found) {
    const bool isBroken = (event.bits & (errorBit | hungUpBit)) != 0;
    ready_.push_back({event.data, (event.bits & readableBit) != 0 || isBroken,
                      (event.bits & writableBit) != 0 || isBroken});
  }
  return ready_;
}

std::unique_ptr<Backend> SimulatedBackend::openAnother() noexcept {
  return machine_.refusesMove() ? nullptr : machine_.openBackend().backend;
}

OpenResult SimulatedMachine::openBackend() noexcept {
  return {std::make_unique<SimulatedBackend>(*this), {}};
}

}  // namespace kairos::detail
