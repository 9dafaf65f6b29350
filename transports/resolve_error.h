// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_RESOLVE_ERROR_H_
#define KAIROS_TRANSPORTS_RESOLVE_ERROR_H_

#include <system_error>

namespace kairos {

// Why a host has no address. Each equals a std::errc too, given here.
enum class ResolveError {
  notFound = 1,    // there is no such name: no_such_device_or_address
  noAddress,       // the name has no address of the family: address_not_available
  temporary,       // servers fail, refuse or talk nonsense: resource_unavailable_try_again
  noAnswer,        // no server answered in time: timed_out
  badFamily,       // an address of the other family was given: address_family_not_supported
  badName,         // it cannot be a name: invalid_argument
  unknownService,  // no service has that name: protocol_not_supported
};

std::error_code make_error_code(ResolveError error) noexcept;

}  // namespace kairos

template <>
struct std::is_error_code_enum<kairos::ResolveError> : std::true_type {};

#endif  // KAIROS_TRANSPORTS_RESOLVE_ERROR_H_
