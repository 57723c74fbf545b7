// SecretStoreTest: a configuration store whose listeners and clusters are a few words that name
// secrets.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "gtest/gtest.h"
#include "source/server/config_store.h"
#include "source/server/secret_store.h"
#include "source/tls/secret_config.h"
#include "source/xds/type_url.h"
#include "test/support/certificates.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;
namespace fs = std::filesystem;

using Words = std::vector<std::string>;

inline constexpr base::Nanos kFetchTimeout = 5 * base::kSecond;

inline v3::Secret Generic(const std::string& name, const std::string& value) {
  v3::Secret secret;
  secret.set_name(name);
  secret.mutable_generic_secret()->mutable_secret()->set_inline_string(value);
  return secret;
}

inline std::string NameIn(const tls::Context* context) {
  if (context == nullptr) return "none";
  return context->certificates().empty() ? "anonymous" : context->certificates()[0].dns_sans.at(0);
}

inline v3::Secret Certificate(const std::string& name,
                              const proxenos::testing::TestCertificate& chain,
                              const proxenos::testing::TestCertificate& key) {
  v3::Secret secret;
  secret.set_name(name);
  secret.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(chain.pem());
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string(key.key_pem());
  return secret;
}

inline v3::Secret Roots(const std::string& name, const proxenos::testing::TestCertificate& ca) {
  v3::Secret secret;
  secret.set_name(name);
  secret.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(ca.pem());
  return secret;
}

// "NAME": discovered; "NAME@SOURCE": from that source; "static:NAME": of the bootstrap;
// "bytes:...": the rest is a serialized secret of watched files.
inline tls::SecretRef Ref(const std::string& word, tls::SecretKind kind) {
  tls::SecretRef ref;
  ref.kind = kind;
  ref.initial_fetch_timeout = kFetchTimeout;
  if (word.rfind("static:", 0) == 0) {
    ref.name = word.substr(7);
    return ref;
  }
  if (word.rfind("bytes:", 0) == 0) {
    ref.from = tls::SecretRef::From::kFiles;
    ref.bytes = word.substr(6);
    return ref;
  }
  ref.from = tls::SecretRef::From::kDiscovery;
  const std::vector<std::string> parts = absl::StrSplit(word, '@');
  ref.name = parts[0];
  if (parts.size() > 1) ref.source = parts[1];
  return ref;
}

// The cells of secrets that filters named, which these would hold.
inline std::vector<tls::SecretCellPtr>& Cells() {
  static auto* const cells = new std::vector<tls::SecretCellPtr>;
  return *cells;
}

// "NAME|CERTIFICATE|ROOTS": a listener with one filter chain; either may be empty. "NAME|filter|S":
// one in plain text, with a filter that names the secret S.
inline CompiledListener CompileListener(const std::string& bytes) {
  const std::vector<std::string> words = absl::StrSplit(bytes, '|');
  auto from = std::make_shared<tls::ServerTemplate>();
  if (words[1] == "filter") {
    Cells().push_back(tls::SecretCells::OfProcess().Name(Ref(words[2], tls::SecretKind::kGeneric)));
    from = nullptr;
  }
  if (from != nullptr) {
    from->options.common.name = words[0];
    from->secrets.identities.push_back(Ref(words[1], tls::SecretKind::kIdentity));
    if (!words[2].empty()) from->secrets.validation = Ref(words[2], tls::SecretKind::kValidation);
  }
  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = words[0];
  config->bind_to_port = false;
  auto chain = std::make_shared<downstream::ChainConfig>();
  chain->tls = std::move(from);
  config->chains.push_back(std::move(chain));
  CompiledListener compiled;
  compiled.config = std::move(config);
  compiled.routes.emplace_back();
  return compiled;
}

// "NAME|ROOTS", "NAME|filter|S": one in plain text, with an upstream filter that names S.
inline std::shared_ptr<const upstream::ClusterConfig> CompileCluster(const std::string& bytes) {
  const std::vector<std::string> words = absl::StrSplit(bytes, '|');
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = words[0];
  config->assignment = std::make_shared<upstream::Assignment>();
  if (words[1] == "filter") {
    Cells().push_back(tls::SecretCells::OfProcess().Name(Ref(words[2], tls::SecretKind::kGeneric)));
    return config;
  }
  auto from = std::make_shared<tls::ClientTemplate>();
  from->options.common.name = words[0];
  from->secrets.validation = Ref(words[1], tls::SecretKind::kValidation);
  config->tls.push_back(std::move(from));
  return config;
}

inline std::string Describe(const Batch& batch) {
  Words words;
  for (const auto& each : batch.clusters) {
    words.push_back(
        absl::StrCat("cluster ", each->config->name, " ",
                     !each->tls.empty() && each->tls[0] == nullptr ? "waits" : "ready"));
  }
  for (const auto& each : batch.listeners) {
    words.push_back(absl::StrCat("listener ", each.config->name, " ", NameIn(each.tls[0].get())));
  }
  for (const auto& each : batch.cluster_tls) {
    words.push_back(absl::StrCat("rotate cluster ", each.owner, " ", each.socket));
  }
  for (const auto& each : batch.listener_tls) {
    words.push_back(absl::StrCat("rotate ", each.owner, " ", NameIn(each.context.get())));
  }
  return absl::StrJoin(words, "; ");
}

class SecretStoreTest : public ::testing::Test {
 protected:
  SecretStoreTest() {
    Compilers compilers;
    compilers.cluster = [](const std::string& bytes, Origin, config::Errors&) {
      return CompileCluster(bytes);
    };
    compilers.listener = [](const std::string& bytes, Origin, config::Errors&) {
      return CompileListener(bytes);
    };
    compilers.secret = [](const std::string& bytes, Origin,
                          config::Errors& errors) -> std::optional<tls::Secret> {
      v3::Secret proto;
      EXPECT_TRUE(proto.ParseFromString(bytes));
      auto secret = tls::CompileSecret(proto, config::Path(), errors);
      if (secret) errors.AddLines(config::Path(), tls::Prove(*secret));
      return errors.ok() ? std::move(secret) : std::nullopt;
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) { published_.push_back(Describe(batch)); };
    hooks.want = [this](const WantedNames::Change& change) {
      EXPECT_EQ(change.type_url, xds::kSecretType);
      std::set<std::string>& names = wanted_[change.source];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    hooks.check_source = [](const std::string&, const SourceKey& source, absl::string_view) {
      return source == "nowhere" ? absl::InvalidArgumentError("leads nowhere") : absl::OkStatus();
    };
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  // One resource; returns why it was refused.
  std::string Apply(const char* type, const std::string& name, const std::string& bytes,
                    const SourceKey& source = "") {
    xds::TypeUpdate update;
    update.type_url = type;
    update.version = "7";
    update.resources.push_back({name, "7", type, std::make_shared<const std::string>(bytes)});
    const auto refused = store_->Apply(source, update);
    return refused.empty() ? "" : refused[0].reason;
  }
  std::string Listener(const std::string& name, const std::string& certificate,
                       const std::string& roots = "") {
    return Apply(xds::kListenerType, name, absl::StrCat(name, "|", certificate, "|", roots));
  }
  std::string Send(const v3::Secret& secret, const SourceKey& source = "") {
    return Apply(xds::kSecretType, secret.name(), secret.SerializeAsString(), source);
  }

  // Runs a turn and returns the batches published since the last call.
  Words Turn() {
    loop_.RunOnce(0);
    return std::exchange(published_, {});
  }
  Words After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    return Turn();
  }
  uint64_t Stat(absl::string_view name, absl::string_view scope = "sds.one.") {
    for (const stats::ScopeReading& reading : registry_.Read()) {
      if (reading.name.prefix() != scope) continue;
      for (size_t i = 0; i < reading.schema->stats.size(); ++i) {
        if (reading.schema->stats[i].name == name) return reading.total.values[i];
      }
    }
    ADD_FAILURE() << "no stat " << name;
    return 0;
  }

  const proxenos::testing::TestCertificate ca_ = proxenos::testing::MakeCa("root");
  const proxenos::testing::TestCertificate first_ = proxenos::testing::MakeLeaf(ca_, "first.test");
  const proxenos::testing::TestCertificate second_ =
      proxenos::testing::MakeLeaf(ca_, "second.test");
  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  Words published_;
  std::map<SourceKey, std::set<std::string>> wanted_;
  std::optional<ConfigStore> store_;
};

inline const Words kNoBatch;

}  // namespace proxenos::server
