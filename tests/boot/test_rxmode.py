# SPDX-License-Identifier: MIT
"""Which frames the card takes, by what programs ask for: every group, every frame, and only its own again."""
import threading

from wire_peer import Link

HOST = bytes.fromhex("525400090909" "02000000000a" "88b5") + b"somebody else's".ljust(46)
GROUP = bytes.fromhex("01005e010203" "02000000000a" "88b5") + b"a group's".ljust(46)


def test_groups_and_promiscuity(boot):
    link, done = Link(), threading.Event()

    def chatter():
        while not done.wait(0.03):
            link.send(HOST)
            link.send(GROUP)

    guest = boot("tests/apps/rxmode.c", append="ip=10.0.2.15/24", net=link.netdev, wait=False)
    assert guest.wait_for("rxmode: ready", 60), guest.text[-2000:]
    thread = threading.Thread(target=chatter, daemon=True)
    thread.start()
    run = boot.finish(guest)
    done.set()
    thread.join()
    link.close()
    run.expect(0)
    said = [line for line in run.serial.splitlines() if ": host " in line and not line.startswith("old")]
    assert said[0] == "nothing: host no, group no"
    assert said[1].startswith("allmulti: ") and said[1].endswith("group yes")
    assert said[2].startswith("promisc: host yes")
    assert said[3] == "nothing again: host no, group no"
    assert "SIOC" not in run.serial and "membership" not in run.serial
