// Peers, and a status.
#include "source/filters/network/ext_authz/check.h"

#include <optional>
#include <utility>

#include "source/filter/check_wire.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::network_ext_authz {
namespace {

enum CheckField : uint32_t { kAttributes = 1 };
enum ResponseField : uint32_t { kStatus = 1, kOk = 3, kDynamicMetadata = 4, kErrorResponse = 5 };
enum OkField : uint32_t { kOkMetadata = 3 };

bool ReadMetadata(absl::string_view message, json::Object* metadata) {
  std::optional<json::Object> read = rpc::ReadStruct(message);
  if (!read.has_value()) return false;
  *metadata = *std::move(read);
  return true;
}

bool ReadCode(absl::string_view message, uint64_t* code) {
  rpc::WireReader status(message);
  while (status.Next()) {
    if (status.field() == 1) *code = status.number();
  }
  return status.ok();
}

// `found` once it has any metadata.
bool ReadOk(absl::string_view message, json::Object* metadata, bool* found) {
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() != kOkMetadata) continue;
    *found = true;
    if (!ReadMetadata(reader.bytes(), metadata)) return false;
  }
  return reader.ok();
}

}  // namespace

std::string MakeQuestion(const Settings& settings, const filter::StreamInfo& info,
                         const filter::LocalNode* node) {
  std::string message;
  rpc::WireWriter(message).Message(
      kAttributes, [&settings, &info, node](rpc::WireWriter& attributes) {
        const filter::ConnectionInfo& connection = *info.connection;
        filter::WriteCheckSource(attributes, connection, "", settings.include_peer_certificate);
        filter::WriteCheckDestination(attributes, connection, node, settings.labels_key);
        filter::WriteCheckMetadata(attributes, filter::kCheckMetadataContext,
                                   settings.metadata_namespaces, info.metadata.all());
        if (settings.include_tls_session) filter::WriteCheckSession(attributes, connection);
      });
  return message;
}

Answer ReadAnswer(absl::string_view message) {
  Answer answer;
  uint64_t code = 0;
  bool failed = false;
  bool own = false;
  rpc::WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    if (reader.field() == kStatus) good = ReadCode(reader.bytes(), &code);
    if (reader.field() == kErrorResponse) failed = true;
    if (reader.field() == kOk) good = ReadOk(reader.bytes(), &answer.metadata, &own);
    if (reader.field() == kDynamicMetadata && !own) {
      good = ReadMetadata(reader.bytes(), &answer.metadata);
    }
    if (!good) return {};
  }
  if (!reader.ok() || failed) return {};
  answer.verdict = code == 0 ? Answer::Verdict::kAllow : Answer::Verdict::kDeny;
  return answer;
}

}  // namespace proxenos::filters::network_ext_authz
