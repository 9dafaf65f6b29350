// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/dial.h"

#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/resolver_channel.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace detail {

std::error_code Dial::resolve(Resolver& resolver, std::string_view host, std::string_view service,
                              const DialOptions& options) noexcept {
  resolving_.emplace();
  const auto error =
      resolver.resolve(*resolving_, host, service, options.resolve, onResolved, this);
  if (error) resolving_.reset();
  return error;
}

void Dial::begin(TransportContext& context, const DialOptions& options,
                 AsyncCallback callback) noexcept {
  OperationAccess::begin(operation_, *this, callback);
  operation_.stream = StreamTransport();
  transportContext_ = &context;
  context_ = ContextAccess::of(context);
  context_->add(*this);
  options_ = options.connect;
}

void Dial::onResolved(void* udata) {
  auto& dial = *static_cast<Dial*>(udata);
  if (dial.resolving_->error) return dial.finish(dial.resolving_->error);
  ConnectAnyOperation& race = dial.racing_.emplace();
  const auto error = connectAny(*dial.transportContext_, race, dial.resolving_->addresses(),
                                dial.options_, onConnected, &dial);
  if (error) dial.finish(error);
}

void Dial::onConnected(void* udata) {
  auto& dial = *static_cast<Dial*>(udata);
  dial.operation_.stream = std::move(dial.racing_->stream);
  dial.finish(dial.racing_->error);
}

void Dial::finish(std::error_code error) noexcept {
  Context& context = *context_;
  dismiss();
  OperationAccess::disown(operation_);
  operation_.error = error;
  context.complete(operation_);
}

// Leaves nothing behind: what is under way is forgotten.
void Dial::dismiss() noexcept {
  unlink();
  racing_.reset();
  resolving_.reset();
  context_ = nullptr;
}

void Dial::forget(Operation&) noexcept { dismiss(); }

void Dial::leaveContext() noexcept { finish(TransportError::closed); }

}  // namespace detail

std::error_code dial(Resolver& resolver, DialOperation& operation, std::string_view host,
                     std::string_view service, const DialOptions& options, CallbackFunc callback,
                     void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (operation.isPending()) return TransportError::busy;
  if (const auto error = operation.dial_.resolve(resolver, host, service, options)) return error;
  operation.dial_.begin(detail::ResolverAccess::of(resolver)->transportContext(), options,
                        {callback, udata});
  return {};
}

bool cancel(DialOperation& operation) noexcept {
  if (!operation.dial_.isWaiting()) return false;
  operation.dial_.finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

}  // namespace kairos
