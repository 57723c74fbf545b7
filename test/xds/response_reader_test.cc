// Responses taken apart at their top level.
#include "source/xds/response_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "gtest/gtest.h"

namespace proxenos::xds {
namespace {

using Response = envoy::service::discovery::v3::DiscoveryResponse;
using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;

std::vector<std::string> EntriesOf(ResponseReader reader) {
  std::vector<std::string> entries;
  while (!reader.at_end()) entries.emplace_back(reader.Next());
  return entries;
}

TEST(ResponseReaderTest, GivesEachResourceAndAllElse) {
  Response response;
  response.set_version_info("v");
  for (const char* value : {"one", "", "three"}) response.add_resources()->set_value(value);
  response.set_nonce("n");
  response.mutable_control_plane()->set_identifier("plane");
  auto reader = ResponseReader::Open(response.SerializeAsString());
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->count(), 3u);
  Response rest;
  ASSERT_TRUE(rest.ParseFromString(reader->rest()));
  Response expected = response;
  expected.clear_resources();
  EXPECT_EQ(rest.SerializeAsString(), expected.SerializeAsString());
  const std::vector<std::string> entries = EntriesOf(*std::move(reader));
  ASSERT_EQ(entries.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(entries[static_cast<size_t>(i)], response.resources(i).SerializeAsString());
  }
}

TEST(ResponseReaderTest, GivesWhatADeltaSaysIsGone) {
  DeltaResponse response;
  response.add_resources()->set_name("a");
  response.add_removed_resources("b");
  auto reader = ResponseReader::Open(response.SerializeAsString());
  ASSERT_TRUE(reader.ok());
  DeltaResponse rest;
  ASSERT_TRUE(rest.ParseFromString(reader->rest()));
  EXPECT_EQ(rest.removed_resources(0), "b");
  EXPECT_EQ(EntriesOf(*std::move(reader)).size(), 1u);
}

TEST(ResponseReaderTest, NothingIsAResponseWithoutResources) {
  auto reader = ResponseReader::Open("");
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader->at_end());
  EXPECT_EQ(reader->rest(), "");
}

TEST(ResponseReaderTest, EveryCutOfAResponseIsSeen) {
  Response response;
  response.add_resources()->set_value("abc");
  response.set_version_info("version");
  const std::string bytes = response.SerializeAsString();
  const size_t first = bytes.find("version") + 7;  // Where the second field begins.
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(ResponseReader::Open(bytes.substr(0, size)).ok(), size == first) << size;
  }
}

TEST(ResponseReaderTest, LengthsBeyondTheMessageAreErrors) {
  EXPECT_FALSE(ResponseReader::Open("\x12\xff\xff\xff\xff\x0f").ok());
  EXPECT_FALSE(ResponseReader::Open("\x12\xff\xff\xff\xff\x07").ok());
  EXPECT_FALSE(ResponseReader::Open("\x0a\x7f").ok());
  EXPECT_FALSE(ResponseReader::Open("\x14").ok()) << "the end of a group that never began";
}

}  // namespace
}  // namespace proxenos::xds
