// Comparing messages: by their bytes, and where those differ by what they say.
#include "source/server/listener_change.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/message_differencer.h"

namespace proxenos::server {
namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using google::protobuf::util::MessageDifferencer;

// The same for maps that say the same.
std::string BytesOf(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// A map inside an Any may have been written in another order.
bool Same(const FilterChain& one, const FilterChain& other) {
  return BytesOf(one) == BytesOf(other) || MessageDifferencer::Equals(one, other);
}

// No two chains of a listener have both in common. The length keeps the two apart.
std::string KeyOf(const FilterChain& chain) {
  return absl::StrCat(chain.name().size(), ":", chain.name(), BytesOf(chain.filter_chain_match()));
}

// Envoy's filter of that name is built in by the first chain's.
bool UsesProxyProto(const Listener& listener) {
  const FilterChain& first = listener.filter_chains_size() > 0 ? listener.filter_chains(0)
                                                               : listener.default_filter_chain();
  return first.use_proxy_proto().value();
}

}  // namespace

std::vector<const FilterChain*> ChainsOf(const Listener& listener) {
  std::vector<const FilterChain*> chains;
  for (const FilterChain& chain : listener.filter_chains()) chains.push_back(&chain);
  if (listener.has_default_filter_chain()) chains.push_back(&listener.default_filter_chain());
  return chains;
}

bool SameButForChains(const Listener& before, const Listener& after) {
  if (UsesProxyProto(before) != UsesProxyProto(after)) return false;
  MessageDifferencer differencer;
  for (const char* field : {"filter_chains", "default_filter_chain", "filter_chain_matcher"}) {
    differencer.IgnoreField(Listener::descriptor()->FindFieldByName(field));
  }
  return differencer.Compare(before, after);
}

std::vector<int32_t> KeptChains(const Listener& before, const Listener& after) {
  absl::flat_hash_map<std::string, int32_t> places;
  for (int i = 0; i < before.filter_chains_size(); ++i) {
    places.emplace(KeyOf(before.filter_chains(i)), i);
  }
  std::vector<int32_t> kept;
  for (const FilterChain& chain : after.filter_chains()) {
    const auto found = places.find(KeyOf(chain));
    const bool same = found != places.end() && Same(before.filter_chains(found->second), chain);
    kept.push_back(same ? found->second : -1);
  }
  if (!after.has_default_filter_chain()) return kept;
  const bool same = before.has_default_filter_chain() &&
                    Same(before.default_filter_chain(), after.default_filter_chain());
  kept.push_back(same ? before.filter_chains_size() : -1);
  return kept;
}

}  // namespace proxenos::server
