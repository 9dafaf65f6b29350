// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/error.h"

#include <cstddef>
#include <new>
#include <string>

namespace kairos::detail {
namespace {

const char* sentence(std::errc condition) {
  switch (condition) {
    case std::errc::file_exists:
      return "This direction of the descriptor has a callback already; remove it first.";
    case std::errc::bad_file_descriptor:
      return "The descriptor is not open, or was closed before it was removed from the reactor.";
    case std::errc::operation_not_permitted:
      return "The descriptor is a file that is always ready, such as a regular file or a "
             "directory; read or write it directly.";
    case std::errc::invalid_argument:
      return "The callback is null.";
    case std::errc::not_enough_memory:
      return "There is no memory left for this call.";
    case std::errc::no_space_on_device:
      return "The user's limit of watched descriptors is reached; see "
             "/proc/sys/fs/epoll/max_user_watches.";
    case std::errc::operation_in_progress:
      return "This reactor is polling already; a callback must not poll it again.";
    case std::errc::resource_deadlock_would_occur:
      return "Nothing is registered, so a poll without a time limit would never return.";
    default:
      return nullptr;
  }
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "kairos"; }

  std::string message(int value) const override {
    const char* text = sentence(static_cast<std::errc>(value));
    return text != nullptr ? text : std::generic_category().message(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    return {value, std::generic_category()};
  }
};

// Never destroyed, so that error codes in static objects stay good to the end.
const Category& category() noexcept {
  alignas(Category) static std::byte memory[sizeof(Category)];
  static const Category* const made = new (memory) Category;
  return *made;
}

}  // namespace

std::error_code makeError(std::errc condition) noexcept {
  return {static_cast<int>(condition), category()};
}

std::error_code explain(std::error_code fromOs) noexcept {
  for (const std::errc known : {std::errc::bad_file_descriptor, std::errc::operation_not_permitted,
                                std::errc::not_enough_memory, std::errc::no_space_on_device}) {
    if (fromOs == known) return makeError(known);
  }
  return fromOs;
}

}  // namespace kairos::detail
