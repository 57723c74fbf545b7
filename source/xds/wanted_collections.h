// WantedCollections: of the names that a subscription wants those of the form xdstp://, by what
// they mean: a glob collection stands for all of its members, and a name may be written in several
// ways.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::xds {

// Owner: the subscription. Thread: main.
class WantedCollections {
 public:
  // What is none by its parts is wanted as it is written. True when nothing else of this meaning
  // was wanted before; REQUIRES: `name` itself was not.
  bool Add(const std::string& name);
  // True when nothing of this meaning is wanted any more.
  bool Remove(const std::string& name);

  // Whether such a name stands for many.
  static bool IsCollection(const std::string& name);
  // Whether there are collections.
  bool any() const { return globs_ > 0; }
  // Whether the name is that of a member of a collection that is wanted, or of something wanted
  // that is written otherwise.
  bool Has(absl::string_view name) const;
  // The ways in which what `name` means is written where it is wanted; none: it is not, by name.
  std::vector<std::string> Spellings(const std::string& name) const;
  // Whether something is wanted that is written in several ways.
  bool ambiguous() const { return others_ > 0; }

 private:
  // As written, by the normal form.
  absl::flat_hash_map<std::string, std::vector<std::string>> names_;
  size_t globs_ = 0;
  size_t others_ = 0;  // Ways of writing beside the first.
};

}  // namespace proxenos::xds
