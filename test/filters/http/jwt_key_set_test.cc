// Key sets as people write them: lines wrapped, and sets of no use.
#include <fstream>
#include <sstream>
#include <string>

#include "envoy/extensions/filters/http/jwt_authn/v3/config.pb.h"
#include "gtest/gtest.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_place_config.h"
#include "source/filters/http/jwt_authn/key_set.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::jwt_authn::v3;
using jwt_authn::Failure;
using jwt_authn::KeySet;

std::string KeysOfOthers() {
  std::ifstream file("test/filters/http/testdata/jwks.json");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What is wrong with a provider that has these keys.
std::string ErrorOf(const std::string& keys) {
  v3::JwtAuthentication proto;
  (*proto.mutable_providers())["p"].mutable_local_jwks()->set_inline_string(keys);
  google::protobuf::Any any;
  any.PackFrom(proto);
  config::Errors errors;
  filter::FindKind(server::BuiltinFilters(), config::TypedConfigType(any))
      ->create(any, config::Path("f"), errors);
  return errors.ok() ? "" : std::string(errors.ToStatus().message());
}

TEST(JwtKeySetTest, KeysMayBeWrapped) {
  Failure failure;
  const std::string plain = KeysOfOthers();
  const auto keys = KeySet::Parse(plain, &failure);
  ASSERT_NE(keys, nullptr);
  // Within each modulus, as in the examples of RFC 7517.
  std::string wrapped = plain;
  const std::string modulus = "\"n\": \"";
  size_t wraps = 0;
  for (size_t at = wrapped.find(modulus); at != std::string::npos;
       at = wrapped.find(modulus, at + 1)) {
    wrapped.insert(at + modulus.size() + 20, "\r\n\t    ");
    ++wraps;
  }
  ASSERT_GT(wraps, 0u);
  const auto same = KeySet::Parse(wrapped, &failure);
  ASSERT_NE(same, nullptr);
  EXPECT_EQ(failure, Failure::kNone);
  EXPECT_EQ(same->size(), keys->size());
  EXPECT_EQ(ErrorOf(wrapped), "");
}

TEST(JwtKeySetTest, LocalKeysOfNoUseAreRefused) {
  const std::string at = "f.providers[\"p\"].local_jwks: ";
  EXPECT_NE(ErrorOf("keys").find(at + "Jwks is an invalid JSON"), std::string::npos)
      << ErrorOf("keys");
  const std::string none = ErrorOf(R"({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})");
  EXPECT_NE(none.find(at + "Jwks doesn't have any valid public key"), std::string::npos) << none;
  // As Envoy has it: requests that need a key fail.
  EXPECT_EQ(ErrorOf(""), "");
}

}  // namespace
}  // namespace proxenos::filters
