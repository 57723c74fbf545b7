// WantedCollections: of the names that a subscription wants those of the form xdstp://, by what
// they mean: a glob collection stands for all of its members, and a name may be written in several
// ways.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::xds {

// Owner: the subscription. Thread: main.
class WantedCollections {
 public:
  // What is none by its parts is wanted as it is written.
  void Add(const std::string& name);
  void Remove(const std::string& name);

  // Whether such a name stands for many.
  static bool IsCollection(const std::string& name);
  // Whether there are collections.
  bool any() const { return globs_ > 0; }
  // Whether the name is that of a member of a collection that is wanted, or of something wanted
  // that is written otherwise.
  bool Has(absl::string_view name) const;
  // What is wanted as it was written there; `name` where nothing of this meaning is.
  std::string Asked(const std::string& name) const;

 private:
  absl::flat_hash_map<std::string, std::string> names_;  // As written, by the normal form.
  size_t globs_ = 0;
};

}  // namespace proxenos::xds
