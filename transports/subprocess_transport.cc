// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/subprocess_transport.h"

#include <csignal>
#include <new>
#include <utility>

#include "kairos/transports/detail/child.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/program.h"
#include "kairos/transports/detail/spawn.h"
#include "kairos/transports/detail/standard_streams.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using detail::SpawnPlan;

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

// The descriptors that are to be passed, and what is read before there is a child.
std::error_code prepare(const SubprocessOptions& options, detail::Program& program,
                        SpawnPlan& plan) noexcept {
  plan.failedStep = SpawnStep::options;
  for (const Fd fd : options.passed) {
    if (fd < detail::firstOther) return std::make_error_code(std::errc::invalid_argument);
  }
  if (const auto error = program.prepare(options)) return error;
  plan.candidates = program.candidates();
  plan.arguments = program.arguments();
  plan.environment = program.environment();
  plan.directory = options.directory;
  plan.passed = options.passed;
  plan.newGroup = options.newGroup;
  plan.newSession = options.newSession;
  return {};
}

}  // namespace

SubprocessTransport::SubprocessTransport() noexcept = default;
SubprocessTransport::~SubprocessTransport() = default;
SubprocessTransport::SubprocessTransport(SubprocessTransport&& other) noexcept = default;
SubprocessTransport& SubprocessTransport::operator=(SubprocessTransport&& other) noexcept = default;

void SubprocessTransport::Leave::operator()(detail::Child* child) const noexcept { child->leave(); }

// All that can fail but the process itself is made before it.
std::error_code SubprocessTransport::launch(detail::Context& context,
                                            const SubprocessOptions& options,
                                            SpawnPlan& plan) noexcept {
  detail::Program program;
  if (const auto error = prepare(options, program, plan)) return error;
  plan.failedStep = SpawnStep::descriptors;
  for (const Fd fd : options.passed) {
    if (const auto error = detail::checkOpen(fd)) return error;
  }
  plan.failedStep = SpawnStep::streams;
  detail::StandardStreams streams;
  if (const auto error = streams.open(options)) return error;
  plan.standard = streams.ofChild();
  if (const auto error = streams.adopt(context, input_, output_, error_)) return error;
  plan.failedStep = SpawnStep::process;
  child_.reset(new (std::nothrow) detail::Child(context));
  if (!child_) return noMemory();
  plan.failedStep = SpawnStep::none;
  pid_t pid = 0;
  detail::OwnedFd pidFd;
  if (const auto error = detail::spawn(plan, pid, pidFd)) return error;
  const bool leadsGroup = options.newGroup || options.newSession;
  const std::error_code error = child_->watch(pid, std::move(pidFd), leadsGroup);
  if (error) plan.failedStep = SpawnStep::process;
  return error;
}

std::error_code SubprocessTransport::start(TransportContext& context,
                                           const SubprocessOptions& options,
                                           SubprocessTransport& result,
                                           SpawnStep* failed) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return noMemory();
  if (inner->isEnding()) return TransportError::closed;
  SpawnPlan plan;
  SubprocessTransport made;
  const std::error_code error = made.launch(*inner, options, plan);
  if (failed != nullptr) *failed = plan.failedStep;
  if (!error) result = std::move(made);
  return error;
}

std::error_code SubprocessTransport::wait(ExitOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept {
  return wait(operation, Reactor::forever, callback, udata);
}

std::error_code SubprocessTransport::wait(ExitOperation& operation, Clock::duration timeout,
                                          CallbackFunc callback, void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!child_) return TransportError::notConnected;
  return child_->wait(operation, timeout, {callback, udata});
}

bool SubprocessTransport::cancel(ExitOperation& operation) noexcept {
  return child_ && child_->cancel(operation);
}

std::error_code SubprocessTransport::signal(int number) noexcept {
  return child_ ? child_->signal(number) : TransportError::notConnected;
}

std::error_code SubprocessTransport::terminate() noexcept { return signal(SIGTERM); }
std::error_code SubprocessTransport::kill() noexcept { return signal(SIGKILL); }
std::error_code SubprocessTransport::suspend() noexcept { return signal(SIGSTOP); }
std::error_code SubprocessTransport::resume() noexcept { return signal(SIGCONT); }

std::error_code SubprocessTransport::signalGroup(int number) noexcept {
  return child_ ? child_->signalGroup(number) : TransportError::notConnected;
}

std::error_code SubprocessTransport::killAfter(Clock::duration delay) noexcept {
  return child_ ? child_->killAfter(delay) : TransportError::notConnected;
}

void SubprocessTransport::detach() noexcept {
  if (child_) child_->detach();
}

void SubprocessTransport::close() noexcept {
  input_.close();
  output_.close();
  error_.close();
  if (child_) child_->close();
}

bool SubprocessTransport::isOpen() const noexcept { return child_ && !child_->isClosed(); }

bool SubprocessTransport::isRunning() const noexcept { return isOpen() && child_->isRunning(); }

pid_t SubprocessTransport::pid() const noexcept { return isOpen() ? child_->pid() : 0; }

}  // namespace kairos
