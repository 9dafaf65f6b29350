// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace kairos::detail {
namespace {

TEST(ErrorTest, EqualsItsConditionAndSpeaksInSentences) {
  for (const std::errc condition :
       {std::errc::file_exists, std::errc::bad_file_descriptor, std::errc::operation_not_permitted,
        std::errc::invalid_argument, std::errc::not_enough_memory, std::errc::no_space_on_device,
        std::errc::operation_in_progress, std::errc::resource_deadlock_would_occur}) {
    const std::error_code error = makeError(condition);
    EXPECT_TRUE(error);
    EXPECT_EQ(error, condition);
    EXPECT_EQ(error.value(), static_cast<int>(condition));
    EXPECT_STREQ(error.category().name(), "kairos");
    EXPECT_EQ(error.message().back(), '.') << error.message();
    EXPECT_NE(error.message().find(' '), std::string::npos);
  }
}

TEST(ErrorTest, ExplainsWhatUsersCauseAndLeavesTheRest) {
  const std::error_code refused(EPERM, std::system_category());
  EXPECT_EQ(explain(refused), std::errc::operation_not_permitted);
  EXPECT_STREQ(explain(refused).category().name(), "kairos");
  const std::error_code other(EINVAL, std::system_category());
  EXPECT_EQ(explain(other), other);
  EXPECT_FALSE(explain({}));
}

TEST(ErrorTest, HasAMessageForAnyValue) {
  EXPECT_FALSE(makeError(std::errc::broken_pipe).message().empty());
}

}  // namespace
}  // namespace kairos::detail
