#include "worker/savepoint/savepoint_store.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/model_disk.h"
#include "tests/support/random.h"
#include "worker/state/store/folder_store.h"

namespace streamml::savepoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SavepointStoreTest : public testing::Test {
 protected:
  absl::StatusOr<Document> Make(const std::string& name, const std::string& content) {
    auto object = store_.Put(name, content);
    if (!object.ok()) return object.status();
    v1::Savepoint savepoint;
    savepoint.set_name(name);
    *savepoint.add_lanes()->add_transactions() = *object;
    return store_.Publish(savepoint);
  }
  std::string PathOf(const std::string& end) const {
    for (const std::string& path : disk_.Files()) {
      if (path.ends_with(end) || absl::StrContains(path, end)) return path;
    }
    return "";
  }

  support::ModelDisk disk_;
  std::unique_ptr<state::ObjectStore> objects_ = state::MakeFolderStore(disk_, "store");
  SavepointStore store_{*objects_, "job"};
};

TEST_F(SavepointStoreTest, WhatWasPublishedIsReadAgain) {
  const auto made = Make("one", "rows");
  ASSERT_TRUE(made.ok()) << made.status();
  const auto read = store_.Read("one");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->digest, made->digest);
  const auto content = store_.Get("one", read->savepoint.lanes(0).transactions(0));
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "rows");
}

TEST_F(SavepointStoreTest, WithoutItsDocumentThereIsNone) {
  ASSERT_TRUE(store_.Put("half", "rows").ok());
  const auto read = store_.Read("half");
  EXPECT_TRUE(absl::IsNotFound(read.status())) << read.status();
  const auto names = store_.List();
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, IsEmpty());
  EXPECT_TRUE(store_.CheckFree("half").ok());
  EXPECT_TRUE(Make("half", "rows").ok());
}

TEST_F(SavepointStoreTest, ACrashLeavesAWholeSavepointOrNone) {
  for (uint64_t operations = 1;; ++operations) {
    support::ModelDisk disk;
    support::Random random(operations);
    const auto objects = state::MakeFolderStore(disk, "store");
    SavepointStore store(*objects, "job");
    disk.FailAfter(operations);
    const auto object = store.Put("one", "rows");
    v1::Savepoint savepoint;
    savepoint.set_name("one");
    if (object.ok()) *savepoint.add_lanes()->add_transactions() = *object;
    const bool is_made = object.ok() && store.Publish(savepoint).ok();
    disk.Crash(random);
    const auto read = store.Read("one");
    if (is_made) {
      EXPECT_TRUE(read.ok()) << read.status();
      return;
    }
    if (!read.ok()) {
      EXPECT_TRUE(absl::IsNotFound(read.status())) << operations << ": " << read.status();
      continue;
    }
    EXPECT_TRUE(store.Get("one", read->savepoint.lanes(0).transactions(0)).ok()) << operations;
  }
}

TEST_F(SavepointStoreTest, ANameIsGivenOnce) {
  ASSERT_TRUE(Make("one", "rows").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(store_.CheckFree("one")));
  const auto again = Make("one", "other rows");
  EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
}

TEST_F(SavepointStoreTest, DamageIsDataLossWithAWayOut) {
  ASSERT_TRUE(Make("one", "rows").ok());
  const auto read = store_.Read("one");
  ASSERT_TRUE(read.ok());
  const v1::Object object = read->savepoint.lanes(0).transactions(0);
  const std::string document = PathOf("one.savepoint");
  std::string bytes = *ReadWhole(disk_, document);
  bytes[20] ^= 1;
  ASSERT_TRUE(disk_.Overwrite(document, bytes).ok());
  const absl::Status damaged = store_.Read("one").status();
  EXPECT_TRUE(absl::IsDataLoss(damaged)) << damaged;
  EXPECT_THAT(std::string(damaged.message()), HasSubstr("way out"));
  ASSERT_TRUE(disk_.Overwrite(PathOf("one.objects/"), "else").ok());
  EXPECT_TRUE(absl::IsDataLoss(store_.Get("one", object).status()));
  ASSERT_TRUE(disk_.Remove(PathOf("one.objects/")).ok());
  const absl::Status missing = store_.Get("one", object).status();
  EXPECT_TRUE(absl::IsDataLoss(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr("is missing"));
}

TEST_F(SavepointStoreTest, RemovingOneLeavesNothingOfItAndAllOfTheOthers) {
  ASSERT_TRUE(Make("one", "rows").ok());
  ASSERT_TRUE(Make("two", "rows").ok());
  ASSERT_TRUE(store_.Remove("one").ok());
  EXPECT_THAT(disk_.Files(), SizeIs(2));
  const auto names = store_.List();
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("two"));
  EXPECT_TRUE(store_.Get("two", store_.Read("two")->savepoint.lanes(0).transactions(0)).ok());
  const absl::Status none = store_.Remove("one");
  EXPECT_TRUE(absl::IsNotFound(none)) << none;
  EXPECT_THAT(std::string(none.message()), HasSubstr("'two'"));
}

}  // namespace
}  // namespace streamml::savepoint
