// Naming and forgetting.
#include "source/tls/secret_cell.h"

#include <utility>

namespace proxenos::tls {

SecretCells& SecretCells::OfProcess() {
  // Never destroyed: cells may be held by what ends after everything else has.
  static SecretCells* const cells = std::make_unique<SecretCells>().release();
  return *cells;
}

SecretCellPtr SecretCells::Name(const SecretRef& ref) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Named& named = cells_[KeyOf(ref)];
  if (named.cell == nullptr) named.cell = std::make_shared<const SecretCell>(ref);
  named.stamp = ++stamp_;
  return named.cell;
}

uint64_t SecretCells::stamp() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stamp_;
}

std::vector<SecretCellPtr> SecretCells::NamedSince(uint64_t stamp) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<SecretCellPtr> found;
  for (const auto& [key, named] : cells_) {
    if (named.stamp > stamp) found.push_back(named.cell);
  }
  return found;
}

bool SecretCells::Forget(const SecretCellPtr& cell) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // The caller's and the table's: as the table is locked, nobody can come to a third.
  if (cell.use_count() > 2) return false;
  cells_.erase(KeyOf(cell->ref()));
  return true;
}

}  // namespace proxenos::tls
