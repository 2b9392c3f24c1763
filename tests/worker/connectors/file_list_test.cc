#include "worker/connectors/file_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"
#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileListTest : public ::testing::Test {
 protected:
  FileListTest() {
    std::filesystem::create_directories(folder_ + "/nested");
    for (const char* name :
         {"b.jsonl", "a.jsonl", "B.jsonl", "odd[1].jsonl", "nested/c.jsonl", ".hidden.jsonl"}) {
      std::ofstream(folder_ + "/" + name) << name;
    }
  }

  const support::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(FileListTest, FilesOfAGlobAreSortedByBytes) {
  EXPECT_THAT(*ListFiles(folder_ + "/[abB].jsonl"),
              ElementsAre(folder_ + "/B.jsonl", folder_ + "/a.jsonl", folder_ + "/b.jsonl"));
  EXPECT_THAT(*ListFiles(folder_ + "/*/c.jsonl"), ElementsAre(folder_ + "/nested/c.jsonl"));
}

TEST_F(FileListTest, APathThatExistsIsTakenAsItIs) {
  EXPECT_THAT(*ListFiles(folder_ + "/odd[1].jsonl"), ElementsAre(folder_ + "/odd[1].jsonl"));
}

TEST_F(FileListTest, NothingFoundIsAnError) {
  EXPECT_EQ(ListFiles(folder_ + "/*.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ListFiles(folder_ + "/*.csv").status().message(), HasSubstr("no file matches '"));
  EXPECT_EQ(ListFiles(folder_ + "/missing/*.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ListFiles(folder_ + "/missing.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ListFiles("").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileListTest, ADirectoryAmongTheFilesIsAnErrorThatNamesIt) {
  EXPECT_THAT(ListFiles(folder_ + "/*").status().message(), HasSubstr("/nested' is a directory"));
  EXPECT_THAT(ListFiles(folder_).status().message(), HasSubstr("is a directory"));
}

TEST_F(FileListTest, IdentityFollowsPathSizeAndContent) {
  const std::string path = folder_ + "/a.jsonl";
  const auto identify = [&path] { return *Identify(**OpenFile(path)); };
  const FileIdentity identity = identify();
  EXPECT_EQ(identity.path, path);
  EXPECT_EQ(identity.size, 7U);
  EXPECT_EQ(identify(), identity);
  std::ofstream(path) << "a.jsonL";
  EXPECT_EQ(identify().size, 7U);
  EXPECT_NE(identify().content, identity.content);
}

TEST(FileIdentityTest, EveryByteOfEveryBlockCounts) {
  std::string bytes((2 << 20) + 5, 'x');
  MemorySource source(bytes);
  const Digest digest = Identify(source)->content;
  for (const size_t position : {size_t{0}, size_t{1} << 20, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[position] = 'y';
    MemorySource other(changed);
    EXPECT_NE(Identify(other)->content, digest);
  }
}

TEST(FileIdentityTest, AReadErrorIsPassedOn) {
  MemorySource source("0123456789", 5);
  EXPECT_EQ(Identify(source).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace streamml::connectors
