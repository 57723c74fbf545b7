// What the stores of the configuration share: the loop, the names they want, and the pump that
// moves what no longer has to wait.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/server/graveyard.h"
#include "source/server/wanted_names.h"
#include "source/xds/any_resource.h"

namespace proxenos::server {

// Whether resources of a type could come from a source at all. Error: why not.
using CheckSource = absl::AnyInvocable<absl::Status(
    const std::string& type_url, const SourceKey& source, absl::string_view name)>;

// The collection of a type that a locator beside a source names. Error: why there is none.
using FindCollection = absl::AnyInvocable<absl::StatusOr<std::string>(
    const std::string& type_url, const SourceKey& source, const std::string& locator)>;

// Owner: the ConfigStore. Outlives the stores.
struct StoreContext {
  event::EventLoop& loop;
  WantedNames& wanted;
  event::Runnable& pump;            // The ConfigStore: runs later in this turn, settles, publishes.
  CheckSource& check_source;        // May hold null: then every source will do.
  Graveyard& graveyard;             // For what is large and was replaced.
  FindCollection& find_collection;  // May hold null: then none can be asked for.

  // What is wrong with wanting `name` from the config source that stands in `field`; nothing when
  // it will do.
  std::optional<std::string> SourceProblem(const std::string& type_url, const SourceKey& source,
                                           absl::string_view name, absl::string_view field) const {
    const absl::Status named = xds::CheckWantedName(name);
    if (!named.ok()) return std::string(named.message());
    return Ask(type_url, source, name, field);
  }
  // The same, whatever is wanted.
  std::optional<std::string> SourceProblem(const std::string& type_url, const SourceKey& source,
                                           absl::string_view field) const {
    return Ask(type_url, source, /*name=*/"", field);
  }
  std::optional<std::string> Ask(const std::string& type_url, const SourceKey& source,
                                 absl::string_view name, absl::string_view field) const {
    if (check_source == nullptr) return std::nullopt;
    const absl::Status status = check_source(type_url, source, name);
    if (status.ok()) return std::nullopt;
    return absl::StrCat(field, ": ", status.message());
  }

  void Pump() { loop.Schedule(&pump); }
  // When a wait of this length ends; 0 waits without end.
  base::MonoTime Deadline(base::Nanos wait) const {
    return wait == 0 ? base::kNever : loop.now() + wait;
  }
};

}  // namespace proxenos::server
