// Secrets in the store: who waits for them, what a new one changes, what a bad one does not.
#include "source/server/secret_store.h"

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
#include "source/tls/secret_config.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"
#include "test/support/certificates.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;
namespace fs = std::filesystem;

using Words = std::vector<std::string>;

constexpr base::Nanos kFetchTimeout = 5 * base::kSecond;

std::string NameIn(const tls::Context* context) {
  if (context == nullptr) return "none";
  return context->certificates().empty() ? "anonymous" : context->certificates()[0].dns_sans.at(0);
}

v3::Secret Certificate(const std::string& name, const proxenos::testing::TestCertificate& chain,
                       const proxenos::testing::TestCertificate& key) {
  v3::Secret secret;
  secret.set_name(name);
  secret.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(chain.pem());
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string(key.key_pem());
  return secret;
}

v3::Secret Roots(const std::string& name, const proxenos::testing::TestCertificate& ca) {
  v3::Secret secret;
  secret.set_name(name);
  secret.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(ca.pem());
  return secret;
}

// "NAME": discovered; "NAME@SOURCE": from that source; "static:NAME": of the bootstrap;
// "bytes:...": the rest is a serialized secret of watched files.
tls::SecretRef Ref(const std::string& word, tls::SecretKind kind) {
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

// "NAME|CERTIFICATE|ROOTS": a listener with one filter chain; either may be empty.
CompiledListener CompileListener(const std::string& bytes) {
  const std::vector<std::string> words = absl::StrSplit(bytes, '|');
  auto from = std::make_shared<tls::ServerTemplate>();
  from->options.common.name = words[0];
  from->secrets.identities.push_back(Ref(words[1], tls::SecretKind::kIdentity));
  if (!words[2].empty()) from->secrets.validation = Ref(words[2], tls::SecretKind::kValidation);
  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = words[0];
  config->bind_to_port = false;
  config->chains.emplace_back().tls = std::move(from);
  CompiledListener compiled;
  compiled.config = std::move(config);
  compiled.routes.emplace_back();
  return compiled;
}

// "NAME|ROOTS"
std::shared_ptr<const upstream::ClusterConfig> CompileCluster(const std::string& bytes) {
  const std::vector<std::string> words = absl::StrSplit(bytes, '|');
  auto from = std::make_shared<tls::ClientTemplate>();
  from->options.common.name = words[0];
  from->secrets.validation = Ref(words[1], tls::SecretKind::kValidation);
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = words[0];
  config->assignment = std::make_shared<upstream::Assignment>();
  config->tls.push_back(std::move(from));
  return config;
}

std::string Describe(const Batch& batch) {
  Words words;
  for (const auto& each : batch.clusters) {
    words.push_back(absl::StrCat("cluster ", each->config->name, " ",
                                 each->tls[0] == nullptr ? "waits" : "ready"));
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
    hooks.check_source = [](const std::string&, const SourceKey& source) {
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
    update.resources.push_back(
        {name, "7", type, std::make_shared<const std::string>(bytes), xds::XxHash64(bytes)});
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

const Words kNoBatch;

TEST_F(SecretStoreTest, ListenerWaitsForItsSecrets) {
  EXPECT_EQ(Listener("l", "certificate", "roots"), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(wanted_[""], (std::set<std::string>{"certificate", "roots"}));
  EXPECT_EQ(Send(Certificate("certificate", first_, first_)), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(Send(Roots("roots", ca_)), "");
  EXPECT_EQ(Turn(), Words{"listener l first.test"});
}

TEST_F(SecretStoreTest, RotationReachesItsUsersAlone) {
  Listener("a", "one");
  Listener("b", "two");
  Send(Certificate("one", first_, first_));
  Send(Certificate("two", first_, first_));
  EXPECT_EQ(Turn(), Words{"listener a first.test; listener b first.test"});
  Send(Certificate("one", second_, second_));
  EXPECT_EQ(Turn(), Words{"rotate a second.test"});
  // The same bytes are no change.
  Send(Certificate("one", second_, second_));
  EXPECT_EQ(Turn(), kNoBatch);
}

TEST_F(SecretStoreTest, SharedSecretRotatesForAll) {
  Listener("a", "one");
  Listener("b", "one");
  Send(Certificate("one", first_, first_));
  Turn();
  Send(Certificate("one", second_, second_));
  EXPECT_EQ(Turn(), Words{"rotate a second.test; rotate b second.test"});
}

TEST_F(SecretStoreTest, BadSecretRefusesItselfAndTheLastGoodStays) {
  Listener("l", "one");
  Send(Certificate("one", first_, first_));
  Turn();
  const std::string mismatch = Send(Certificate("one", second_, first_));
  EXPECT_NE(mismatch.find("key"), std::string::npos) << mismatch;
  v3::Secret broken;
  broken.set_name("one");
  broken.mutable_tls_certificate()->mutable_certificate_chain()->set_filename("/nowhere.pem");
  broken.mutable_tls_certificate()->mutable_private_key()->set_inline_string(first_.key_pem());
  const std::string unreadable = Send(broken);
  EXPECT_NE(unreadable.find("tls_certificate.certificate_chain.filename"), std::string::npos)
      << unreadable;
  EXPECT_EQ(Turn(), kNoBatch);
  store_->secrets().ForEach([](const ResourceView& view) {
    EXPECT_NE(view.active, nullptr);
    EXPECT_NE(view.refused, nullptr);
  });
  EXPECT_EQ(Stat("update_success"), 1u);
  EXPECT_EQ(Stat("update_rejected"), 2u);
}

// What is lost is the source: each secret that is awaited from it counts.
TEST_F(SecretStoreTest, FailuresOfItsSourceCountForASecret) {
  std::map<SourceKey, uint64_t> failures = {{"", 3}, {"other", 7}};
  store_->secrets().CountFailures([&failures](const SourceKey& key) { return failures.at(key); });
  Listener("l", "one", "roots@other");
  store_->secrets().RefreshStats();
  EXPECT_EQ(Stat("update_failure"), 0u);  // Those before its time are not its own.
  failures[""] = 5;
  store_->secrets().RefreshStats();
  store_->secrets().RefreshStats();
  EXPECT_EQ(Stat("update_failure"), 2u);
  EXPECT_EQ(Stat("update_attempt"), 2u);
  EXPECT_EQ(Stat("update_failure", "sds.roots."), 0u);
  failures[""] = 1;  // Another stream in its place.
  store_->secrets().RefreshStats();
  EXPECT_EQ(Stat("update_failure"), 3u);
}

TEST_F(SecretStoreTest, ContextsMadeAnewAreCounted) {
  Listener("l", "one");
  Apply(xds::kClusterType, "c", "c|roots");
  Send(Certificate("one", first_, first_));
  Send(Roots("roots", ca_));
  Turn();
  Send(Certificate("one", second_, second_));
  Send(Certificate("one", second_, first_));  // Refused: nothing is made.
  Turn();
  EXPECT_EQ(
      Stat("ssl_context_update_by_sds", "listener.envoy_internal_l.server_ssl_socket_factory."),
      2u);
  EXPECT_EQ(Stat("ssl_context_update_by_sds", "cluster.c.client_ssl_socket_factory."), 1u);
}

TEST_F(SecretStoreTest, GoesOnWithoutASecretThatDoesNotCome) {
  Listener("l", "one");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(After(kFetchTimeout - base::kSecond), kNoBatch);
  EXPECT_EQ(Stat("init_fetch_timeout"), 0u);
  EXPECT_EQ(After(2 * base::kSecond), Words{"listener l none"});
  EXPECT_EQ(Stat("init_fetch_timeout"), 1u);
  Send(Certificate("one", first_, first_));
  EXPECT_EQ(Turn(), Words{"rotate l first.test"});
}

TEST_F(SecretStoreTest, ClusterWaitsAndRotates) {
  EXPECT_EQ(Apply(xds::kClusterType, "c", "c|roots"), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(store_->clusters().warming_count(), 1u);
  Send(Roots("roots", ca_));
  EXPECT_EQ(Turn(), Words{"cluster c ready"});
  Send(Roots("roots", first_));
  EXPECT_EQ(Turn(), Words{"rotate cluster c 0"});
}

TEST_F(SecretStoreTest, StaticSecretsAreThereAtOnce) {
  const v3::Secret secret = Certificate("mine", first_, first_);
  EXPECT_TRUE(store_->AddStatic(xds::kSecretType, secret.SerializeAsString()).empty());
  EXPECT_EQ(Listener("l", "static:mine"), "");
  EXPECT_EQ(Turn(), Words{"listener l first.test"});
  EXPECT_EQ(store_->AddStatic(xds::kSecretType, secret.SerializeAsString()).size(), 1u);
}

TEST_F(SecretStoreTest, UnknownStaticSecretRefusesItsUser) {
  const std::string reason = Listener("l", "static:other");
  EXPECT_NE(reason.find("secret other is not one of static_resources.secrets"), std::string::npos)
      << reason;
}

TEST_F(SecretStoreTest, SecretOfAnotherKindIsRefused) {
  Listener("l", "one");
  const std::string reason = Send(Roots("one", ca_));
  EXPECT_NE(reason.find("is a validation context, but l names it as a certificate"),
            std::string::npos)
      << reason;
  Send(Certificate("one", first_, first_));
  const std::string user = Listener("other", "one", "one");
  EXPECT_NE(user.find("secret one is a certificate; expected a validation context"),
            std::string::npos)
      << user;
}

TEST_F(SecretStoreTest, BadSourceRefusesItsUser) {
  const std::string reason = Listener("l", "one@nowhere");
  EXPECT_EQ(reason, "sds_config of secret one: leads nowhere");
}

TEST_F(SecretStoreTest, SecretThatNobodyNamesIsForgotten) {
  Listener("l", "one@there");
  Send(Certificate("one", first_, first_), "there");
  Turn();
  EXPECT_EQ(wanted_["there"], std::set<std::string>{"one"});
  Listener("l", "two@there");
  Send(Certificate("two", second_, second_), "there");
  EXPECT_EQ(Turn(), Words{"listener l second.test"});
  EXPECT_EQ(wanted_["there"], std::set<std::string>{"two"});
  int count = 0;
  store_->secrets().ForEach([&count](const ResourceView&) { ++count; });
  EXPECT_EQ(count, 1);
}

// A folder as Kubernetes mounts a secret: the files are links into `..data`, which is a link itself
// and is swapped whole.
class Mount {
 public:
  explicit Mount(const std::string& name) : folder_(fs::path(::testing::TempDir()) / name) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::create_symlink("..data/tls.crt", folder_ / "tls.crt");
    fs::create_symlink("..data/tls.key", folder_ / "tls.key");
  }
  void Put(const std::string& chain, const std::string& key) {
    const std::string version = absl::StrCat("..v", ++version_);
    fs::create_directories(folder_ / version);
    std::ofstream(folder_ / version / "tls.crt") << chain;
    std::ofstream(folder_ / version / "tls.key") << key;
    fs::create_symlink(version, folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  }
  std::string path(const std::string& file) const { return (folder_ / file).string(); }
  std::string folder() const { return folder_.string(); }

  v3::Secret Secret(const std::string& name) const {
    v3::Secret secret;
    secret.set_name(name);
    auto& certificate = *secret.mutable_tls_certificate();
    certificate.mutable_certificate_chain()->set_filename(path("tls.crt"));
    certificate.mutable_private_key()->set_filename(path("tls.key"));
    return secret;
  }

 private:
  const fs::path folder_;
  int version_ = 0;
};

TEST_F(SecretStoreTest, FilesOfADiscoveredSecretAreWatched) {
  Mount mount("discovered");
  mount.Put(first_.pem(), first_.key_pem());
  Listener("l", "one");
  EXPECT_EQ(Send(mount.Secret("one")), "");
  EXPECT_EQ(Turn(), Words{"listener l first.test"});
  mount.Put(second_.pem(), second_.key_pem());
  EXPECT_EQ(Turn(), Words{"rotate l second.test"});
  // A key of another certificate changes nothing, and the next good pair is taken.
  mount.Put(first_.pem(), second_.key_pem());
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_GE(Stat("key_rotation_failed"), 1u);
  mount.Put(first_.pem(), first_.key_pem());
  EXPECT_EQ(Turn(), Words{"rotate l first.test"});
}

TEST_F(SecretStoreTest, FilesWrittenInlineAreWatchedWhenTheySaySo) {
  Mount mount("inline");
  mount.Put(first_.pem(), first_.key_pem());
  v3::Secret secret = mount.Secret("");
  secret.mutable_tls_certificate()->mutable_watched_directory()->set_path(mount.folder());
  EXPECT_EQ(Listener("l", "bytes:" + secret.SerializeAsString()), "");
  EXPECT_EQ(Turn(), Words{"listener l first.test"});
  mount.Put(second_.pem(), second_.key_pem());
  EXPECT_EQ(Turn(), Words{"rotate l second.test"});
  EXPECT_TRUE(wanted_.empty());
}

TEST_F(SecretStoreTest, FilesOfAStaticSecretAreReadOnce) {
  Mount mount("static");
  mount.Put(first_.pem(), first_.key_pem());
  store_->AddStatic(xds::kSecretType, mount.Secret("mine").SerializeAsString());
  Listener("l", "static:mine");
  EXPECT_EQ(Turn(), Words{"listener l first.test"});
  mount.Put(second_.pem(), second_.key_pem());
  EXPECT_EQ(Turn(), kNoBatch);
}

TEST_F(SecretStoreTest, WarmingVersionHearsOfRotationsToo) {
  Listener("l", "one", "roots");
  Send(Certificate("one", first_, first_));
  Send(Certificate("one", second_, second_));
  Turn();
  Send(Roots("roots", ca_));
  EXPECT_EQ(Turn(), Words{"listener l second.test"});
}

TEST_F(SecretStoreTest, ReplacedListenerTakesTheContextsOfItsSecrets) {
  Listener("l", "one");
  Send(Certificate("one", first_, first_));
  Turn();
  Listener("l", "one", "roots");
  EXPECT_EQ(Turn(), kNoBatch);
  // The version before serves, and rotates, while the new one waits.
  Send(Certificate("one", second_, second_));
  EXPECT_EQ(Turn(), Words{"rotate l second.test"});
  Send(Roots("roots", ca_));
  EXPECT_EQ(Turn(), Words{"listener l second.test"});
}

}  // namespace
}  // namespace proxenos::server
