// Names of the form xdstp:// from anybody: what is configured and what a control plane sends. Lines
// that begin with "+" are wanted, with "-" not any more, with "@" are parts of the node; all others
// are asked after. A name has one form, however it is written, and what is wanted is what a model
// of two lines says.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/xds/any_resource.h"
#include "source/xds/node_context.h"
#include "source/xds/wanted_collections.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::xds {
namespace {

bool Same(const XdstpName& a, const XdstpName& b) {
  return a.authority == b.authority && a.type == b.type && a.id == b.id && a.context == b.context;
}

void CheckForms(const std::string& name) {
  const std::string normal = NormalName(name);
  CHECK(NormalName(normal) == normal);
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  CHECK(parsed.ok() || normal == name);
  // Nobody asks for one resource and gets a collection.
  CHECK(!IsXdstpName(name) || !CheckWantedName(name).ok() || (parsed.ok() && !parsed->glob()));
  if (!parsed.ok()) return;
  const absl::StatusOr<XdstpName> again = ParseXdstpName(normal);
  CHECK(again.ok() && Same(*parsed, *again));
  const XdstpName collection = parsed->Collection();
  CHECK(collection.glob() && Same(collection, collection.Collection()));
  CHECK(parsed->glob() == Same(*parsed, collection));
}

// By the normal form, as it was written.
using Model = std::map<std::string, std::vector<std::string>>;

bool IsWanted(const Model& model, const std::string& name) {
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  if (!parsed.ok()) return model.contains(name);
  if (parsed->glob()) return false;
  return model.contains(parsed->ToString()) || model.contains(parsed->Collection().ToString());
}

void Want(const std::string& name, Model& model, WantedCollections& wanted) {
  std::vector<std::string>& names = model[NormalName(name)];
  if (absl::c_linear_search(names, name)) return;
  CHECK(wanted.Add(name) == names.empty());
  names.push_back(name);
}

// True when it was the last way of writing it.
bool Drop(const std::string& name, Model& model) {
  const auto found = model.find(NormalName(name));
  if (found == model.end() || !absl::c_linear_search(found->second, name)) return false;
  found->second.erase(absl::c_find(found->second, name));
  if (!found->second.empty()) return false;
  model.erase(found);
  return true;
}

void AddNodeContext(const std::vector<std::string>& parts, XdstpName name) {
  envoy::config::core::v3::Node node;
  google::protobuf::RepeatedPtrField<std::string> params;
  for (const std::string& part : parts) {
    node.set_id(part);
    (*node.mutable_metadata()->mutable_fields())[part].set_string_value(part);
  }
  for (const char* param : {"id", "metadata", "locality.zone"}) *params.Add() = param;
  config::Errors errors;
  const auto context = NodeContext(node, params, config::Path(), errors);
  CHECK(errors.ok());
  name.context.insert(context.begin(), context.end());
  const absl::StatusOr<XdstpName> again = ParseXdstpName(name.ToString());
  // Too many parameters are all that can be wrong with it.
  CHECK(again.ok() ? Same(*again, name) : name.context.size() > 64);
}

void Run(absl::string_view input) {
  WantedCollections wanted;
  Model model;
  std::vector<std::string> node;
  for (const absl::string_view line : absl::StrSplit(input, '\n')) {
    const char mark = line.empty() ? ' ' : line[0];
    const bool marked = mark == '+' || mark == '-' || mark == '@';
    const std::string name(marked ? line.substr(1) : line);
    CheckForms(name);
    if (mark == '@') node.push_back(name);
    if (mark == '+' && IsXdstpName(name)) Want(name, model, wanted);
    if (mark == '-' && IsXdstpName(name)) CHECK(wanted.Remove(name) == Drop(name, model));
    CHECK(wanted.Has(name) == IsWanted(model, name));
    const auto written = model.find(NormalName(name));
    CHECK(wanted.Spellings(name) ==
          (written == model.end() ? std::vector<std::string>() : written->second));
    const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
    if (parsed.ok()) AddNodeContext(node, *parsed);
  }
  for (const auto& [normal, names] : model) {
    for (const std::string& name : names) CHECK(wanted.Remove(name) == (&name == &names.back()));
  }
  CHECK(!wanted.any() && !wanted.ambiguous());
}

}  // namespace
}  // namespace proxenos::xds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::xds::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
