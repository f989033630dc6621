// The documents of a text file: what lies between lines that hold one form feed and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "fathom/corpus/text_source.h"

namespace fathom {

class TextDocuments {
 public:
  explicit TextDocuments(const std::filesystem::path& path) : source_(path) {}

  // The next document without the line break before its separator; false at the end. A last one needs no separator.
  // InputError: it is no UTF-8 (the message says where), or larger than 1 GiB.
  bool next(std::string& document);
  double share() const { return source_.share(); }

 private:
  bool find_separator();
  void take(std::size_t end, std::string& document);

  TextSource source_;
  std::string text_;
  std::size_t begin_ = 0;      // of the document in text_
  std::size_t looked_at_ = 0;  // no separator lies before
  std::size_t separator_ = 0;  // where the found one's form feed stands
  std::int64_t number_ = 0;    // of documents taken
  bool ended_ = false;
};

// The lines of a text file, without their line breaks.
class TextLines {
 public:
  explicit TextLines(const std::filesystem::path& path) : source_(path) {}
  bool next(std::string& line);
  double share() const { return source_.share(); }

 private:
  TextSource source_;
  std::string text_;
  std::size_t begin_ = 0;
  bool ended_ = false;
};

}  // namespace fathom
