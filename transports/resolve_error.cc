// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/resolve_error.h"

#include <array>
#include <cstddef>
#include <new>
#include <string>

namespace kairos {
namespace {

struct Row {
  std::errc condition;
  const char* sentence;
};

// In the order of ResolveError, from 1.
constexpr std::array<Row, 7> rows = {{
    {std::errc::no_such_device_or_address, "There is no host of that name."},
    {std::errc::address_not_available, "The host has no address of the family that was asked for."},
    {std::errc::resource_unavailable_try_again, "The name servers cannot tell at the moment."},
    {std::errc::timed_out, "No name server answered in time."},
    {std::errc::address_family_not_supported, "The address is not of the family asked for."},
    {std::errc::invalid_argument, "This cannot be the name of a host."},
    {std::errc::protocol_not_supported, "There is no service of that name."},
}};

const Row* rowOf(int value) {
  const auto index = static_cast<std::size_t>(value) - 1;
  return index < rows.size() ? &rows[index] : nullptr;
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "kairos resolver"; }

  std::string message(int value) const override {
    const Row* row = rowOf(value);
    return row != nullptr ? row->sentence : "unknown error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    const Row* row = rowOf(value);
    return row != nullptr ? std::make_error_condition(row->condition)
                          : std::error_condition(value, *this);
  }
};

// Never destroyed, so that error codes in static objects stay good to the end.
const Category& category() noexcept {
  alignas(Category) static std::byte memory[sizeof(Category)];
  static const Category* const made = new (memory) Category;
  return *made;
}

}  // namespace

std::error_code make_error_code(ResolveError error) noexcept {
  return {static_cast<int>(error), category()};
}

}  // namespace kairos
