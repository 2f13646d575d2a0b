# SPDX-License-Identifier: MIT
"""Applications are ordinary C programs: ours run on Linux too, anybody's run here."""
import re
import subprocess
import time

import pytest

import doorbell
from conftest import ROOT
from peer import Receiver, hash_file, send_file

STRANGER = r"""
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timespec a, b;
	char *big = malloc(1 << 20), got[64] = "";
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || s < 0 || big == NULL)
		return 2;
	memset(big, 'x', 1 << 20);
	clock_gettime(CLOCK_MONOTONIC, &a);
	errno = 0;
	printf("close(77) = %d, ", close(77));
	printf("%s\n", strerror(errno));
	to.sin_port = htons(atoi(argv[1]));
	inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
	if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
		perror("connect");
		return 3;
	}
	for (size_t sent = 0; sent < 1 << 20;) {
		ssize_t n = send(s, big + sent, (1 << 20) - sent, 0);
		if (n <= 0)
			return 4;
		sent += n;
	}
	shutdown(s, SHUT_WR);
	while (recv(s, got, sizeof got, 0) > 0)
		;
	clock_gettime(CLOCK_MONOTONIC, &b);
	double sec = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	printf("argv[2]=<%s> took %s %.3f\n", argv[2], sec > 0 && sec < 60 ? "sane" : "insane", sec);
	free(big);
	return 42;
}
"""


def make_run(target="run", **variables):
    return subprocess.run(["make", target] + [f"{k}={v}" for k, v in variables.items()], cwd=ROOT, text=True,
                          capture_output=True, check=False, timeout=600)


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_strangers_program(tmp_path, as_folder):
    """A C file outside the tree, in a folder with a blank in its name, by the user's own command."""
    folder = tmp_path / "a folder, of mine"
    folder.mkdir()
    (folder / "my prog.c").write_text(STRANGER)
    receiver = Receiver()
    done = make_run(APP=folder if as_folder else folder / "my prog.c", ARGS=f"{receiver.port} 'two words'",
                    TIMEOUT=30, PCAP="")
    assert "Error 42" in done.stderr, done.stdout + done.stderr
    assert "close(77) = -1, Bad file descriptor" in done.stdout
    assert "argv[2]=<two words> took sane" in done.stdout
    assert receiver.finish().size == 1 << 20


def test_a_program_that_asks_too_much(tmp_path):
    (tmp_path / "lost.c").write_text("int nowhere(void); int main(void) { return nowhere(); }\n")
    done = make_run("all", APP=tmp_path / "lost.c")
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr


def test_kernel_names_do_not_meet(tmp_path, boot):
    """An application may use the kernel's names for its own functions."""
    (tmp_path / "names.c").write_text("""
#include <stdio.h>
int kmalloc(void) { return 1; }
int schedule(void) { return 2; }
int tcp_sendmsg(void) { return 3; }
int ksyms[4] = { 4 };
int main(void) { printf("own %d\\n", kmalloc() + schedule() + tcp_sendmsg() + ksyms[0]); return 7; }
""")
    boot(tmp_path / "names.c", stats=False).expect(7).says("own 10")


def test_large_status(tmp_path, boot):
    (tmp_path / "large.c").write_text("int main(void) { return 200; }\n")
    boot(tmp_path / "large.c").expect(63).says("200")


@pytest.fixture
def on_linux(tmp_path):
    """The same source by the host's compiler."""
    def compiled(name):
        out = tmp_path / name
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(ROOT / "apps" / f"{name}.c")],
                       check=True)
        return str(out)

    return compiled


@pytest.mark.parametrize("size", [0, 1460, 1048583])
def test_send_on_linux(on_linux, noise, size):
    receiver = Receiver()
    done = subprocess.run([on_linux("send"), f"tcp:127.0.0.1:{receiver.port}", str(noise(size))], check=False, timeout=120)
    stream = receiver.finish()
    assert done.returncode == 0
    assert (stream.size, stream.sha256) == hash_file(noise(size))


def test_send_on_linux_refused(on_linux, noise):
    port = doorbell.free_port()
    done = subprocess.run([on_linux("send"), f"tcp:127.0.0.1:{port}", str(noise(1))], check=False, timeout=120)
    assert done.returncode == 4


@pytest.mark.parametrize("size", [1, 1048583])
def test_recv_on_linux(on_linux, noise, size):
    port = doorbell.free_port()
    process = subprocess.Popen([on_linux("recv"), str(port)], text=True, stdout=subprocess.PIPE)
    time.sleep(0.3)
    send_file(port, noise(size), attempts=10)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert doorbell.received(text) == hash_file(noise(size))
    assert re.search(doorbell.LISTENING, text)
