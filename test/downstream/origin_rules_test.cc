// Who the client is, by each detector; and what of their configuration is wrong.
#include "source/downstream/origin_rules.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/origin_rules_config.h"

namespace proxenos::downstream {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

constexpr char kXff[] =
    "type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3."
    "XffConfig";
constexpr char kHeader[] =
    "type.googleapis.com/envoy.extensions.http.original_ip_detection."
    "custom_header.v3.CustomHeaderConfig";

class OriginRulesTest : public ::testing::Test {
 protected:
  // One detector of that type with these fields (flow YAML, without braces).
  static std::string Detector(const std::string& type, const std::string& fields) {
    return "original_ip_detection_extensions: [{name: d, typed_config: {'@type': " + type + ", " +
           fields + "}}]";
  }
  std::shared_ptr<const OriginRules> Compile(const std::string& yaml) {
    HcmProto proto;
    config::Errors errors;
    config::ParseYaml(yaml, proto, errors, config::Path());
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    auto rules = CompileOrigin(proto, config::Path(), errors);
    errors_ = std::string(errors.ToStatus().message());
    return rules;
  }
  // The address that is found, "none", or the status of the answer.
  std::string Detect(const OriginRules& rules, const std::string& name, const std::string& value) {
    buffer::Arena arena;
    http::HeaderMap headers(arena);
    if (!name.empty()) headers.Add(name, value);
    const DetectedAddress found =
        DetectAddress(rules.detectors, *net::Address::FromIp("192.0.2.1", 80), headers);
    forwarded_ = std::string(headers.Get(http::HeaderId::kXForwardedFor));
    if (found.reject_status != 0) return std::to_string(found.reject_status);
    return found.address ? found.address->IpString() : "none";
  }

  std::string errors_;
  std::string forwarded_;  // x-forwarded-for after Detect.
};

TEST_F(OriginRulesTest, NoneIsNull) { EXPECT_EQ(Compile("stat_prefix: x"), nullptr); }

TEST_F(OriginRulesTest, Hops) {
  const auto rules = Compile(Detector(kXff, "xff_num_trusted_hops: 1"));
  ASSERT_NE(rules, nullptr);
  EXPECT_EQ(errors_, "");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "1.1.1.1, 2.2.2.2"), "1.1.1.1");
  EXPECT_EQ(forwarded_, "1.1.1.1, 2.2.2.2");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "2.2.2.2"), "none");
  EXPECT_EQ(Detect(*rules, "", ""), "none");
}

TEST_F(OriginRulesTest, PeerIsAppended) {
  const auto rules = Compile(Detector(kXff, "skip_xff_append: false"));
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "1.1.1.1"), "1.1.1.1");
  EXPECT_EQ(forwarded_, "1.1.1.1,192.0.2.1");
  EXPECT_EQ(Detect(*rules, "", ""), "none");
  EXPECT_EQ(forwarded_, "192.0.2.1");
}

TEST_F(OriginRulesTest, TrustedRanges) {
  const auto rules =
      Compile(Detector(kXff,
                       "xff_trusted_cidrs: {cidrs: [{address_prefix: 192.0.2.0, prefix_len: 24}, "
                       "{address_prefix: 3.0.0.0, prefix_len: 8}]}"));
  ASSERT_EQ(errors_, "");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "1.1.1.1, 2.2.2.2, 3.3.3.3"), "2.2.2.2");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "3.1.1.1,3.2.2.2"), "3.1.1.1");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "1.1.1.1, bad, 3.3.3.3"), "none");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "::1"), "::1");
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", ""), "none");
}

TEST_F(OriginRulesTest, PeerThatIsNotTrusted) {
  const auto rules = Compile(
      Detector(kXff, "xff_trusted_cidrs: {cidrs: [{address_prefix: 10.0.0.0, prefix_len: 8}]}"));
  EXPECT_EQ(Detect(*rules, "x-forwarded-for", "1.1.1.1"), "none");
  EXPECT_EQ(forwarded_, "1.1.1.1,192.0.2.1");
}

TEST_F(OriginRulesTest, Header) {
  const auto rules =
      Compile(Detector(kHeader, "header_name: X-Ip, reject_with_status: {code: NotFound}"));
  EXPECT_EQ(Detect(*rules, "x-ip", "8.8.8.8"), "8.8.8.8");
  EXPECT_EQ(Detect(*rules, "x-ip", "8.8.8.8:80"), "404");
  EXPECT_EQ(Detect(*rules, "", ""), "404");
  const auto odd = Compile(Detector(kHeader, "header_name: x-ip, reject_with_status: {code: OK}"));
  EXPECT_EQ(Detect(*odd, "", ""), "403");
  EXPECT_EQ(Detect(*Compile(Detector(kHeader, "header_name: x-ip")), "", ""), "none");
}

TEST_F(OriginRulesTest, WhatIsWrong) {
  const struct {
    std::string yaml;
    const char* error;
  } kCases[] = {
      {Detector(kXff,
                "xff_num_trusted_hops: 1, xff_trusted_cidrs: {cidrs: [{address_prefix: "
                "10.0.0.0, prefix_len: 8}]}"),
       "expected one of xff_num_trusted_hops, xff_trusted_cidrs"},
      {Detector(kXff, "xff_trusted_cidrs: {cidrs: [{address_prefix: 10.0.0.0, prefix_len: 33}]}"),
       "typed_config.xff_trusted_cidrs.cidrs[0]: value 10.0.0.0/33"},
      {"use_remote_address: true\n" + Detector(kXff, "xff_num_trusted_hops: 1"),
       "original_ip_detection_extensions: cannot stand beside use_remote_address"},
      {"early_header_mutation_extensions: [{name: e, typed_config: {'@type': "
       "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3."
       "HeaderMutation, mutations: [{append: {header: {key: x, value: '%NONSENSE%'}}}]}}]",
       "mutations[0].append"},
  };
  for (const auto& each : kCases) {
    Compile(each.yaml);
    EXPECT_NE(errors_.find(each.error), std::string::npos) << errors_ << "\n" << each.yaml;
  }
}

TEST_F(OriginRulesTest, InternalAddresses) {
  const auto holds = [](const OriginRules& rules, const char* ip) {
    return rules.internal->Holds(*net::Address::FromIp(ip, 1));
  };
  auto rules = Compile("internal_address_config: {}");
  ASSERT_NE(rules, nullptr);
  for (const char* ip : {"10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1"}) {
    EXPECT_TRUE(holds(*rules, ip)) << ip;
  }
  for (const char* ip : {"11.0.0.1", "172.32.0.1", "127.0.0.2", "fe80::1", "2001:db8::1"}) {
    EXPECT_FALSE(holds(*rules, ip)) << ip;
  }
  EXPECT_FALSE(rules->internal->Holds(*net::Address::FromPath("/a")));
  rules = Compile(
      "internal_address_config: {unix_sockets: true, cidr_ranges: [{address_prefix: 1.2.3.0, "
      "prefix_len: 24}]}");
  ASSERT_NE(rules, nullptr);
  EXPECT_TRUE(holds(*rules, "1.2.3.4"));
  EXPECT_FALSE(holds(*rules, "10.1.2.3"));
  EXPECT_TRUE(rules->internal->Holds(*net::Address::FromPath("/a")));
  Compile("internal_address_config: {cidr_ranges: [{address_prefix: 1.2.3.0, prefix_len: 33}]}");
  EXPECT_NE(errors_.find("internal_address_config.cidr_ranges[0]"), std::string::npos) << errors_;
}

TEST_F(OriginRulesTest, WhatADetectorFindsMayBeInternal) {
  const auto may_be = [](const OriginRules& rules, const std::string& name,
                         const std::string& value) {
    buffer::Arena arena;
    http::HeaderMap headers(arena);
    headers.Add(name, value);
    return DetectAddress(rules.detectors, *net::Address::FromIp("192.0.2.1", 80), headers)
        .may_be_internal;
  };
  auto rules = Compile(Detector(kXff, "skip_xff_append: true"));
  EXPECT_TRUE(may_be(*rules, "x-forwarded-for", "10.0.0.1"));
  EXPECT_FALSE(may_be(*rules, "x-forwarded-for", "10.0.0.1, 10.0.0.2"));
  EXPECT_FALSE(may_be(*rules, "x-forwarded-for", "none"));
  rules = Compile(Detector(kXff, "xff_num_trusted_hops: 1"));
  EXPECT_FALSE(may_be(*rules, "x-forwarded-for", "10.0.0.1, 10.0.0.2"));
  rules = Compile(Detector(kHeader, "header_name: x-ip"));
  EXPECT_FALSE(may_be(*rules, "x-ip", "10.0.0.1"));
  rules = Compile(
      Detector(kHeader, "header_name: x-ip, allow_extension_to_set_address_as_trusted: true"));
  EXPECT_TRUE(may_be(*rules, "x-ip", "10.0.0.1"));
}

}  // namespace
}  // namespace proxenos::downstream
