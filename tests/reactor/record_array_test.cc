// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/record_array.h"

#include <gtest/gtest.h>

namespace kairos::detail {
namespace {

void fill(RecordArray<int>& array, int count) {
  ASSERT_TRUE(array.reserve(array.size() + static_cast<std::size_t>(count)));
  for (int i = 0; i < count; ++i) array.push(i);
}

TEST(RecordArrayTest, KeepsItsRecordsWhileItGrows) {
  RecordArray<int> array;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(array.reserve(array.size() + 1));
    array.push(i);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(array[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(array.back(), 999);
  array.pop();
  EXPECT_EQ(array.back(), 998);
}

TEST(RecordArrayTest, KeepsTheRoomOfTruncatedRecordsUntilItIsToShrink) {
  RecordArray<int> array;
  fill(array, 1000);
  const std::size_t room = array.capacity();
  array.truncate(10);
  EXPECT_EQ(array.size(), 10u);
  EXPECT_EQ(array.capacity(), room);
  array.shrinkTo(20);
  EXPECT_EQ(array.size(), 10u);
  EXPECT_EQ(array.capacity(), 20u);
  EXPECT_EQ(array.back(), 9);
  array.shrinkTo(500);
  EXPECT_EQ(array.capacity(), 20u) << "no more room than there was";
}

TEST(RecordArrayTest, IsEmptyWithoutMemoryOnceCleared) {
  RecordArray<int> array;
  fill(array, 10);
  array.clear();
  EXPECT_TRUE(array.empty());
  EXPECT_EQ(array.capacity(), 0u);
  fill(array, 3);
  EXPECT_EQ(array.back(), 2);
}

}  // namespace
}  // namespace kairos::detail
