// Secrets in the store: who waits for them, what a new one changes, what a bad one does not.
#include "test/server/secret_store_fixture.h"

namespace proxenos::server {
namespace {

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
