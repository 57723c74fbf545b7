// Layers by discovery: what is asked for, what is waited for, and what becomes of each answer.
#include "source/server/runtime_store.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/runtime/setting.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

class RuntimeStoreTest : public ::testing::Test {
 protected:
  RuntimeStoreTest() {
    Compilers compilers;
    // A number for the key "k"; all else is refused.
    compilers.runtime_layer = [](const std::string& name, const std::string& bytes,
                                 config::Errors& errors) -> std::shared_ptr<const runtime::Layer> {
      auto layer = std::make_shared<runtime::Layer>();
      layer->name = name;
      uint64_t number = 0;
      if (absl::SimpleAtoi(bytes, &number)) {
        layer->values["k"].integer = number;
        return layer;
      }
      errors.Add(config::Path("layer"), "is bad");
      return nullptr;
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) { published_.push_back(std::move(batch)); };
    hooks.want = [this](const WantedNames::Change& change) {
      EXPECT_EQ(change.type_url, xds::kRuntimeType);
      for (const std::string& name : change.names.removed) EXPECT_EQ(wanted_.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(wanted_.insert(name).second);
    };
    hooks.check_source = [](const std::string&, const SourceKey& source, absl::string_view) {
      return absl::StrContains(source, "bad") ? absl::InvalidArgumentError("no such thing")
                                              : absl::OkStatus();
    };
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  std::string Begin(const std::string& layers) {
    envoy::config::bootstrap::v3::Bootstrap bootstrap;
    config::Errors errors;
    config::ParseYaml("{layered_runtime: {layers: " + layers + "}}", bootstrap, errors);
    store_->runtime().Begin(bootstrap, errors);
    loop_.RunOnce(0);
    return errors.ok() ? "" : errors.list()[0].ToString();
  }
  std::string Apply(const std::string& name, const std::string& bytes,
                    const std::vector<std::string>& removed = {}) {
    xds::TypeUpdate update{xds::kRuntimeType, "v", {}, removed};
    if (!name.empty()) {
      update.resources.push_back(
          {name, "v", xds::kRuntimeType, std::make_shared<const std::string>(bytes)});
    }
    const std::vector<xds::ResourceError> errors = store_->Apply("", update);
    loop_.RunOnce(0);
    return errors.empty() ? "" : errors[0].reason;
  }
  // What "k" says in the newest snapshot that was published; 99 when it says nothing.
  uint64_t Published() const {
    return runtime::IntegerSetting{99, "k"}.Get(published_.back().runtime.get());
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  std::vector<Batch> published_;
  std::set<std::string> wanted_;
  std::optional<ConfigStore> store_;
};

constexpr char kOne[] =
    "[{name: base, static_layer: {k: 5}}, "
    "{name: told, rtds_layer: {name: ours, rtds_config: {ads: {}}}}]";

TEST_F(RuntimeStoreTest, WithoutLayersNothingIsPublished) {
  EXPECT_EQ(Begin("[]"), "");
  EXPECT_TRUE(published_.empty());
  EXPECT_TRUE(store_->runtime().ready());
  EXPECT_EQ(store_->runtime().snapshot()->size(), 0u);
}

TEST_F(RuntimeStoreTest, DiscoveredLayer) {
  EXPECT_EQ(Begin(kOne), "");
  EXPECT_EQ(wanted_, std::set<std::string>{"ours"});
  EXPECT_FALSE(store_->runtime().ready());
  ASSERT_EQ(published_.size(), 1u);  // The static layer need not wait.
  EXPECT_EQ(Published(), 5u);
  EXPECT_EQ(Apply("ours", "7"), "");
  EXPECT_TRUE(store_->runtime().ready());
  EXPECT_EQ(Published(), 7u);
  const size_t before = published_.size();
  Apply("ours", "7");
  Apply("another", "8");
  EXPECT_EQ(published_.size(), before);
  EXPECT_EQ(Apply("ours", "x"), "layer: is bad");
  EXPECT_EQ(store_->runtime().snapshot()->Find("k")->integer, 7u);
  Apply("", "", {"ours"});
  EXPECT_EQ(Published(), 5u);
}

TEST_F(RuntimeStoreTest, ARefusalIsAnAnswer) {
  Begin(kOne);
  EXPECT_EQ(Apply("ours", "x"), "layer: is bad");
  EXPECT_TRUE(store_->runtime().ready());
  int seen = 0;
  store_->runtime().ForEach([&seen](const ResourceView& view) {
    ++seen;
    EXPECT_EQ(view.active, nullptr);
    EXPECT_NE(view.refused, nullptr);
  });
  EXPECT_EQ(seen, 1);
}

TEST_F(RuntimeStoreTest, WaitsOnlyForSoLong) {
  Begin(kOne);
  clock_.Advance(14 * base::kSecond);
  loop_.RunOnce(0);
  EXPECT_FALSE(store_->runtime().ready());
  clock_.Advance(2 * base::kSecond);
  loop_.RunOnce(0);
  EXPECT_TRUE(store_->runtime().ready());
}

TEST_F(RuntimeStoreTest, PeopleMayChangeOnlyWhatTheyWereGiven) {
  Begin("[{name: a, admin_layer: {}}, {name: last, static_layer: {fixed: 1}}]");
  EXPECT_TRUE(store_->runtime().Modify({{"k", "3"}, {"k", "4"}, {"fixed", "2"}}).ok());
  loop_.RunOnce(0);
  EXPECT_EQ(Published(), 3u);  // The first of a name.
  EXPECT_EQ(store_->runtime().snapshot()->Find("fixed")->integer, 1u);
  EXPECT_TRUE(store_->runtime().Modify({{"k", ""}}).ok());
  loop_.RunOnce(0);
  EXPECT_EQ(Published(), 99u);
}

TEST_F(RuntimeStoreTest, ProblemsWithTheirPlaces) {
  EXPECT_EQ(Begin("[{name: a, static_layer: {}}, {name: a, static_layer: {}}]"),
            "layered_runtime.layers[1].name: value a: expected a name that no other layer has");
}

TEST_F(RuntimeStoreTest, OneAdminLayer) {
  EXPECT_EQ(Begin("[{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]"),
            "layered_runtime.layers[1].admin_layer: there may be only one admin layer");
}

TEST_F(RuntimeStoreTest, SourcesAreChecked) {
  EXPECT_EQ(
      Begin("[{name: a, rtds_layer: {name: r, rtds_config: {path_config_source: {path: bad}}}}]"),
      "layered_runtime.layers[0].rtds_layer: rtds_config: no such thing");
}

}  // namespace
}  // namespace proxenos::server
