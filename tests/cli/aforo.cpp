#include "tests/cli/aforo.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/text.h"

namespace aforo::test {
namespace {

/// English enough: 64 KiB that repeat after a prime number of words.
std::string some_text() {
  const char* words[] = {"gold ",  "measure ", "plan ",  "step ",  "loss ",   "falls ", "memory ",
                         "holds ", "a ",       "token ", "costs ", "time.\n", "so "};
  std::string text;
  for (int i = 0; text.size() < 65536; ++i) text += words[(i * i + i / 7) % 13];
  return text;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Aforo::Aforo() {
  folder.write("text", some_text());
  std::ifstream machine(std::string(AFORO_SOURCE_DIR) + "/tests/cli/machine.yaml");
  folder.write("machine.yaml", std::string{std::istreambuf_iterator<char>(machine), {}});
}

int Aforo::start(const std::vector<std::string>& command) const {
  const int process = fork();
  if (process < 0) throw std::runtime_error("fork failed");
  if (process > 0) return process;
  std::vector<char*> pointers;
  for (const std::string& arg : command) pointers.push_back(const_cast<char*>(arg.c_str()));
  pointers.push_back(nullptr);
  if (chdir(folder.path().c_str()) != 0) _exit(126);
  setenv("HOME", folder.path().c_str(), 1);
  unsetenv("XDG_CONFIG_HOME");
  dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
  dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

Answer Aforo::answer(int process) const {
  int status = 0;
  waitpid(process, &status, 0);
  return {exit_code(status), folder.read("out"), folder.read("err")};
}

Answer Aforo::operator()(std::vector<std::string> args) const { return under({}, std::move(args)); }

Answer Aforo::under(std::vector<std::string> launcher, std::vector<std::string> args) const {
  launcher.emplace_back(AFORO_BINARY);
  launcher.insert(launcher.end(), args.begin(), args.end());
  return answer(start(launcher));
}

Answer Aforo::interrupted(std::vector<std::string> args, const std::string& signal_after) const {
  folder.write("out", "");
  args.insert(args.begin(), AFORO_BINARY);
  const int process = start(args);
  while (!contains(folder.read("out"), signal_after) && waitpid(process, nullptr, WNOHANG) == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  kill(process, SIGINT);
  return answer(process);
}

Answer Aforo::plan(const std::string& output, int n_steps,
                   const std::vector<std::string>& further) const {
  std::vector<std::string> args = {"plan",
                                   "--model",
                                   "gpt-tiny",
                                   "--data",
                                   "text",
                                   "--hardware",
                                   "machine.yaml",
                                   "--seq-len",
                                   "32",
                                   "--global-batch-size",
                                   "4",
                                   "--steps",
                                   std::to_string(n_steps),
                                   "-o",
                                   output};
  args.insert(args.end(), further.begin(), further.end());
  return (*this)(args);
}

}  // namespace aforo::test
