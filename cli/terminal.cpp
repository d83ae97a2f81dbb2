#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace aforo::cli {
namespace {

bool colours_wanted() {
  static const bool wanted = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted;
}

bool progress_wanted() {
  static const bool wanted = isatty(STDERR_FILENO) == 1;
  return wanted;
}

}  // namespace

std::string paint(Colour colour, const std::string& text) {
  if (!colours_wanted()) return text;
  constexpr const char* codes[] = {"32", "33", "31", "2", "1"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(colour)], text);
}

void ProgressBar::show(double done, const std::string& note) {
  if (!progress_wanted()) return;
  constexpr int width = 28;
  const double share = std::clamp(done, 0.0, 1.0);
  const int filled = static_cast<int>(share * width + 0.5);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  const double left = share > 0.01 ? elapsed.count() * (1 - share) / share : 0;
  fmt::print(stderr, "\r\x1b[K{} [{}{}] {:3.0f} %  {}{}", what_, std::string(filled, '#'),
             std::string(width - filled, '.'), 100 * share, note,
             left > 0 ? fmt::format("  {:.0f} s left", left) : "");
  std::fflush(stderr);
  visible_ = true;
}

void ProgressBar::clear() {
  if (!visible_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  visible_ = false;
}

}  // namespace aforo::cli
