// States by script.
#include "source/filters/http/lua/part.h"

#include <algorithm>
#include <utility>

#include "source/base/log.h"

namespace proxenos::filters::lua {
namespace {

constexpr size_t kMaxWarnings = 64;

}  // namespace

base::Rc<Vm> LuaPart::VmOf(const std::shared_ptr<const Script>& script) {
  for (const Entry& entry : states_) {
    if (entry.script == script) return entry.vm;
  }
  // New routes with the script as it was: its state goes on.
  for (Entry& entry : states_) {
    if (entry.script->name != script->name || entry.script->source != script->source) continue;
    entry.script = script;
    return entry.vm;
  }
  if (states_.size() == kMaxStates) states_.erase(states_.begin());
  auto vm = std::make_unique<Vm>(script->name, script->source);
  if (!vm->error().empty()) {
    if (stats) stats->errors.Inc();
    PX_LOG(kHttp, kError, "lua: ", script->name, " cannot be loaded: ", vm->error());
    vm = nullptr;
  }
  states_.push_back({script, vm == nullptr ? base::Rc<Vm>() : base::Rc<Vm>(std::move(vm))});
  return states_.back().vm;
}

void LuaPart::WarnOfUnknown(const std::string& name) {
  if (unknown_.size() == kMaxWarnings || !unknown_.insert(name).second) return;
  PX_LOG(kHttp, kWarn, "lua: a route names the script '", name,
         "', which source_codes of the filter has not: none runs there");
}

}  // namespace proxenos::filters::lua
