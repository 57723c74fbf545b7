// The bootstrap's admin message: where to listen, what to log, which paths answer.
#include "source/admin/admin_config.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/admin/fake_server.h"

namespace proxenos::admin {
namespace {

class AdminConfigTest : public ::testing::Test {
 protected:
  AdminConfig Compile(const std::string& yaml, access_log::LogWriter* writer = nullptr) {
    envoy::config::bootstrap::v3::Admin proto;
    testing::ParseInto(yaml, proto);
    return CompileAdmin(proto, writer, config::Path("admin"), errors_);
  }

  config::Errors errors_;
};

TEST_F(AdminConfigTest, WithoutAddressThereIsNone) {
  const AdminConfig config = Compile("{}");
  EXPECT_TRUE(errors_.ok());
  EXPECT_EQ(config.address.family(), net::Address::Family::kNone);
  EXPECT_TRUE(config.allows == nullptr);
}

TEST_F(AdminConfigTest, Addresses) {
  EXPECT_EQ(Compile("address: {socket_address: {address: 127.0.0.1, port_value: 9901}}")
                .address.ToString(),
            "127.0.0.1:9901");
  const AdminConfig pipe = Compile("address: {pipe: {path: /run/admin.sock, mode: 384}}");
  EXPECT_EQ(pipe.address.ToString(), "/run/admin.sock");
  EXPECT_EQ(pipe.listen.unix_mode, 0600u);
  EXPECT_TRUE(errors_.ok());
}

TEST_F(AdminConfigTest, WrongAddressesAreNamed) {
  Compile("address: {socket_address: {address: localhost, port_value: 1}}");
  Compile("address: {envoy_internal_address: {server_listener_name: x}}");
  ASSERT_EQ(errors_.count(), 2u);
  EXPECT_EQ(errors_.list()[0].path.substr(0, 28), "admin.address.socket_address");
  EXPECT_EQ(errors_.list()[1].path, "admin.address");
}

TEST_F(AdminConfigTest, BothWaysToLog) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/admin_config.", getpid());
  access_log::LogWriter writer;
  EXPECT_EQ(Compile(absl::StrCat("access_log_path: ", path), &writer).access_logs.size(), 1u);
  EXPECT_EQ(Compile("access_log_path: /dev/null", &writer).access_logs.size(), 0u);
  EXPECT_EQ(Compile(absl::StrCat(R"(
access_log:
- name: f
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
    path: )",
                                 path),
                    &writer)
                .access_logs.size(),
            1u);
  EXPECT_TRUE(errors_.ok());
  std::remove(path.c_str());
}

TEST_F(AdminConfigTest, AllowedPaths) {
  const AdminConfig config = Compile("allow_paths: [{prefix: /stats}, {exact: /ready}]");
  ASSERT_TRUE(config.allows != nullptr);
  EXPECT_TRUE(config.allows("/stats/prometheus"));
  EXPECT_TRUE(config.allows("/ready"));
  EXPECT_FALSE(config.allows("/ready2"));
  EXPECT_FALSE(config.allows("/config_dump"));
}

}  // namespace
}  // namespace proxenos::admin
