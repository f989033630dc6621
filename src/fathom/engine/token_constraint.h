// What narrows a sequence's next token: a grammar. It belongs to one request and is called on the engine's thread
// alone.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  // False while every token may come, as in reasoning; allowed() is not asked then.
  virtual bool narrows() const = 0;
  // Writes every word: bit t % 32 of mask[t / 32] says whether token t may come next. At least one may.
  // mask [(vocabulary + 31) / 32]
  virtual void allowed(std::span<std::uint32_t> mask) = 0;
  // The token that came, in order; one that allowed() permitted.
  virtual void accept(std::int32_t token) = 0;

  // Between them tokens are only guessed: end_guess() goes back to where begin_guess() was called. False where that
  // cannot be, and nothing was begun.
  virtual bool begin_guess() { return false; }
  virtual void end_guess() {}
};

}  // namespace fathom
