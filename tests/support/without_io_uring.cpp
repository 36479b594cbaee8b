// SPDX-License-Identifier: MIT
// Runs a command, and what it starts, where io_uring is forbidden as in many containers:
//
//     without_io_uring COMMAND [ARGUMENT...]
//
// Exits with 77 where it can't forbid it, and with 78 if io_uring is there all the same.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>

namespace {

bool forbid_io_uring() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: without_io_uring COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  if (!forbid_io_uring()) {
    std::perror("without_io_uring: no filter of system calls");
    return 77;
  }
  if (::syscall(SYS_io_uring_setup, 1, nullptr) != -1 || errno != EPERM) {
    std::fputs("without_io_uring: io_uring is not forbidden\n", stderr);
    return 78;
  }
  ::execv(argv[1], argv + 1);
  std::perror(argv[1]);
  return 127;
}
