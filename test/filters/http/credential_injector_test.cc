// Credentials for origins: what is injected, what is left, and what happens without a secret.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/credential_injector/v3/credential_injector.pb.h"
#include "gtest/gtest.h"
#include "source/tls/secret_cell.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::credential_injector::v3::CredentialInjector;

class CredentialInjectorTest : public ::testing::Test {
 protected:
  CredentialInjectorTest() {
    tls::SecretRef ref;
    ref.name = "injected";
    cell_ = tls::SecretCells::OfProcess().Name(ref);
    Publish("xyz");
  }
  void Publish(const std::string& value) {
    cell_->Publish(std::make_shared<const tls::GenericValues>(tls::GenericValues{value, {}}));
  }
  // `generic` and `more` are fields of Generic and of CredentialInjector. "-", or the response's
  // details.
  std::string Ask(const std::string& generic, const std::string& more, const Fields& fields = {}) {
    stream_ = MakeStream(
        Pack<Proto>(absl::StrCat(
            "credential { name: 'c' typed_config { "
            "[type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic] { "
            "credential { name: 'injected' } ",
            generic, " } } } ", more)),
        {.path = "/", .fields = fields});
    stream_->SendRequest(true);
    return stream_->request_out.head ? "-" : std::string(stream_->info.details);
  }
  std::string Sent(absl::string_view name) { return Value(stream_->request.headers, name); }
  uint64_t Stat(absl::string_view name) {
    return stream_->Stat(absl::StrCat("http.test.credential_injector.", name));
  }

  tls::SecretCellPtr cell_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(CredentialInjectorTest, AuthorizationUnlessAnotherHeaderIsNamed) {
  EXPECT_EQ(Ask("", ""), "-");
  EXPECT_EQ(Sent("authorization"), "xyz");
  EXPECT_EQ(Stat("injected"), 1u);
  EXPECT_EQ(Ask("header: 'X-Key' header_value_prefix: 'Bearer '", ""), "-");
  EXPECT_EQ(Sent("x-key"), "Bearer xyz");
  EXPECT_EQ(Sent("authorization"), "-");
}

TEST_F(CredentialInjectorTest, WhatAClientSentStaysUnlessItIsOverwritten) {
  EXPECT_EQ(Ask("", "", {{"authorization", "mine"}}), "-");
  EXPECT_EQ(Sent("authorization"), "mine");
  EXPECT_EQ(Stat("already_exists"), 1u);
  EXPECT_EQ(Ask("", "overwrite: true", {{"authorization", "mine"}, {"authorization", "b"}}), "-");
  EXPECT_EQ(Sent("authorization"), "xyz");
  EXPECT_EQ(Stat("injected"), 1u);
}

TEST_F(CredentialInjectorTest, WithoutACredentialNobodyPasses) {
  for (const std::string& secret : {std::string(), std::string("a\r\nb: c"), std::string("a\n")}) {
    Publish(secret);
    EXPECT_EQ(Ask("", ""), "failed_to_inject_credential") << secret;
    EXPECT_EQ(stream_->response_out.head ? stream_->response.status : 0, 401);
    EXPECT_EQ(Stat("failed"), 1u);
    EXPECT_EQ(Ask("", "allow_request_without_credential: true"), "-");
    EXPECT_EQ(Sent("authorization"), "-");
    EXPECT_EQ(Stat("failed"), 1u);
  }
  cell_->Publish(nullptr);  // It has not come yet.
  EXPECT_EQ(Ask("", ""), "failed_to_inject_credential");
}

TEST_F(CredentialInjectorTest, TheNextRequestHasTheNextSecret) {
  Publish("second");
  EXPECT_EQ(Ask("", ""), "-");
  EXPECT_EQ(Sent("authorization"), "second");
}

TEST_F(CredentialInjectorTest, WhatCannotBe) {
  const auto problem = [](const std::string& generic) {
    config::Errors errors;
    const auto config = Pack<Proto>(absl::StrCat(
        "credential { name: 'c' typed_config { "
        "[type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic] { "
        "credential { name: 'injected' } ",
        generic, " } } }"));
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (config.type_url() != absl::StrCat("type.googleapis.com/", kind.type)) continue;
      kind.create(config, config::Path("f"), errors);
    }
    return errors.ok() ? std::string() : errors.list().front().path;
  };
  EXPECT_EQ(problem("header: ':path'"), "f.credential.typed_config.header");
  EXPECT_EQ(problem("header: 'Host'"), "f.credential.typed_config.header");
  EXPECT_EQ(problem("header_value_prefix: 'a\\n'"),
            "f.credential.typed_config.header_value_prefix");
}

}  // namespace
}  // namespace proxenos::filters
