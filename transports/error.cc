// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/error.h"

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

// In the order of TransportError, from 1.
constexpr std::array<Row, 7> rows = {{
    {std::errc::operation_canceled, "The transport was closed before the operation was finished."},
    {std::errc::no_message_available, "The stream ended before what was to be read was complete."},
    {std::errc::message_size, "What was to be read does not end within the limit."},
    {std::errc::broken_pipe, "The stream was shut down for writing."},
    {std::errc::device_or_resource_busy,
     "The operation is pending already, or another one that has to end first."},
    {std::errc::not_connected, "The transport is empty: it was never opened, or moved from."},
    {std::errc::no_buffer_space, "Too many bytes of writes wait to be sent."},
}};

const Row* rowOf(int value) {
  const auto index = static_cast<std::size_t>(value) - 1;
  return index < rows.size() ? &rows[index] : nullptr;
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "kairos transports"; }

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

std::error_code make_error_code(TransportError error) noexcept {
  return {static_cast<int>(error), category()};
}

}  // namespace kairos
