// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/fd_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace kairos::detail {
namespace {

void nothing(void*) {}

TEST(FdTableTest, FindsOnlyWhatWasMade) {
  FdTable table;
  for (const Fd fd : {-1, 0, 255, 1 << 30}) EXPECT_EQ(table.find(fd), nullptr) << fd;
  FdEntry* entry = table.make(300);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(table.find(300), entry);
  EXPECT_FALSE(entry->wanted().any());
  EXPECT_EQ(table.find(10), nullptr) << "another chunk";
  EXPECT_EQ(table.find(-1), nullptr);
}

TEST(FdTableTest, NeverMovesAnEntry) {
  FdTable table;
  FdEntry* first = table.make(0);
  for (Fd fd = 1; fd < 20'000; ++fd) ASSERT_NE(table.make(fd), nullptr);
  EXPECT_EQ(table.find(0), first);
}

TEST(FdTableTest, VisitsTheRegisteredByNumber) {
  FdTable table;
  for (const Fd fd : {700, 3, 512, 5}) table.make(fd)->callbacks[writing] = {nothing, nullptr};
  table.make(4);
  std::vector<Fd> visited;
  table.forEachRegistered([&](Fd fd, FdEntry&) { visited.push_back(fd); });
  EXPECT_EQ(visited, (std::vector<Fd>{3, 5, 512, 700}));
}

TEST(ChangeListTest, HoldsEachDescriptorOnce) {
  FdTable table;
  ChangeList list;
  EXPECT_TRUE(list.empty());
  for (const Fd fd : {0, 7, 0, 7, 9}) list.note(fd, *table.make(fd));
  std::vector<Fd> taken;
  while (!list.empty()) taken.push_back(list.take(table));
  EXPECT_EQ(taken, (std::vector<Fd>{9, 7, 0}));
  list.note(7, *table.find(7));
  EXPECT_FALSE(list.empty());
  EXPECT_EQ(list.take(table), 7);
}

}  // namespace
}  // namespace kairos::detail
