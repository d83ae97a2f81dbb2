#pragma once
// What makes output pleasant on a terminal and plain in a pipe: colours (NO_COLOR is respected) and
// a progress bar.

#include <chrono>
#include <string>

namespace aforo::cli {

enum class Colour { green, yellow, red, dim, bold };

/// `text` in a colour if standard output is a terminal and NO_COLOR is not set.
std::string paint(Colour colour, const std::string& text);

/// One line on standard error that is rewritten in place; nothing at all if standard error is no
/// terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what)
      : what_(std::move(what)), start_(std::chrono::steady_clock::now()) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` in [0, 1]; `note` follows the bar.
  void show(double done, const std::string& note);
  /// Removes the line, so that other output can be printed.
  void clear();

 private:
  std::string what_;
  std::chrono::steady_clock::time_point start_;
  bool visible_ = false;
};

}  // namespace aforo::cli
