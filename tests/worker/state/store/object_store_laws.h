// Laws of every ObjectStore. A test program instantiates ObjectStoreLaws over what makes a store
// that is empty.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/state/store/object_store.h"

namespace streamml::state {

struct ObjectStoreKind {
  const char* name;
  std::function<std::unique_ptr<ObjectStore>()> make;
};

class ObjectStoreLaws : public testing::TestWithParam<ObjectStoreKind> {
 protected:
  void ExpectContent(const std::string& key, const std::string& content) {
    const auto read = GetBytes(*store_, key, content.size() + 1);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == content) << key << ": " << read->size() << " bytes";
    const auto size = store_->Size(key);
    ASSERT_TRUE(size.ok()) << size.status();
    EXPECT_EQ(*size, content.size());
  }
  absl::Status Put(const std::string& key, std::string_view bytes,
                   PutMode mode = PutMode::kReplace) {
    return PutBytes(*store_, key, bytes, mode);
  }

  std::unique_ptr<ObjectStore> store_ = GetParam().make();
};

TEST_P(ObjectStoreLaws, WhatIsNotThereIsNotFoundAndNotListed) {
  EXPECT_TRUE(absl::IsNotFound(GetBytes(*store_, "a/b", 9).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->Size("a/b").status()));
  EXPECT_TRUE(store_->Delete("a/b").ok());
  EXPECT_THAT(*ListAll(*store_, "a/"), testing::IsEmpty());
}

TEST_P(ObjectStoreLaws, WhatWasPutIsRead) {
  std::string large;
  while (large.size() < 3'000'000) large.append(std::to_string(large.size()));
  const std::string contents[] = {"", "x", std::string("\0\n\r\xff", 4), large};
  for (const std::string& content : contents) {
    const std::string key = "folder/deep/object-" + std::to_string(content.size());
    const absl::Status status = Put(key, content);
    ASSERT_TRUE(status.ok()) << status;
    ExpectContent(key, content);
  }
}

TEST_P(ObjectStoreLaws, ReplacedObjectHasItsNewContent) {
  ASSERT_TRUE(Put("a/k", "old and longer").ok());
  ASSERT_TRUE(Put("a/k", "new").ok());
  ExpectContent("a/k", "new");
}

TEST_P(ObjectStoreLaws, PutIfNewLeavesWhatIsThere) {
  ASSERT_TRUE(Put("a/k", "first", PutMode::kIfNew).ok());
  EXPECT_TRUE(Put("a/k", "first", PutMode::kIfNew).ok());
  const absl::Status second = Put("a/k", "second", PutMode::kIfNew);
  EXPECT_TRUE(absl::IsAlreadyExists(second)) << second;
  ExpectContent("a/k", "first");
}

TEST_P(ObjectStoreLaws, DeletedObjectIsGone) {
  ASSERT_TRUE(Put("a/k", "x").ok());
  ASSERT_TRUE(Put("a/l", "y").ok());
  ASSERT_TRUE(store_->Delete("a/k").ok());
  EXPECT_TRUE(absl::IsNotFound(store_->Size("a/k").status()));
  EXPECT_THAT(*ListAll(*store_, "a/"), testing::ElementsAre("a/l"));
  ASSERT_TRUE(Put("a/k", "again", PutMode::kIfNew).ok());
  ExpectContent("a/k", "again");
}

TEST_P(ObjectStoreLaws, ListIsSortedAndOfOneFolder) {
  std::vector<std::string> expected;
  for (int i = 10; i < 40; ++i) expected.push_back("lanes/1/k=" + std::to_string(i));
  for (auto key = expected.rbegin(); key != expected.rend(); ++key) {
    ASSERT_TRUE(Put(*key, *key).ok());
  }
  ASSERT_TRUE(Put("lanes/10/other", "x").ok());
  ASSERT_TRUE(Put("lanes/1x/other", "x").ok());
  EXPECT_THAT(*ListAll(*store_, "lanes/1/"), testing::ElementsAreArray(expected));
  EXPECT_TRUE(absl::IsInvalidArgument(store_->List("lanes/1", "").status()));
}

TEST_P(ObjectStoreLaws, KeysThatAreNoneAreRefused) {
  for (const char* key :
       {"", "/", "a//b", "/a", "a/", "..", "a/../b", ".", "a b", "a\\b", "\xc3"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Put(key, "x"))) << key;
    EXPECT_TRUE(absl::IsInvalidArgument(GetBytes(*store_, key, 9).status())) << key;
    EXPECT_TRUE(absl::IsInvalidArgument(store_->Size(key).status())) << key;
    EXPECT_TRUE(absl::IsInvalidArgument(store_->Delete(key))) << key;
  }
}

TEST_P(ObjectStoreLaws, ErrorOfTheReceiverEndsAGet) {
  ASSERT_TRUE(Put("a/k", "content").ok());
  int num_calls = 0;
  // UNAVAILABLE: what the store itself would try again.
  const absl::Status status = store_->Get("a/k", [&](std::string_view) {
    ++num_calls;
    return absl::UnavailableError("the disk of the receiver");
  });
  EXPECT_EQ(status, absl::UnavailableError("the disk of the receiver"));
  EXPECT_EQ(num_calls, 1);
  EXPECT_TRUE(absl::IsResourceExhausted(GetBytes(*store_, "a/k", 6).status()));
}

}  // namespace streamml::state
