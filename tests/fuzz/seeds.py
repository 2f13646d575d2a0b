# SPDX-License-Identifier: MIT
"""The first inputs of every fuzz target, written by hand: what a fuzzer would need long to come upon.

Interface: seeds(NAME) -> list of bytes.
"""
import struct


def tcp_options():
    mss, wscale, sack, stamp = b"\2\4\5\xb4", b"\3\3\7", b"\4\2", b"\x08\x0a" + struct.pack(">II", 1, 2)
    return [b"", mss, mss + b"\1" + wscale, mss + sack + stamp + b"\1" + wscale, b"\1\1" + stamp, b"\5\x0a" + bytes(8), b"\2\0",
            b"\2\1", b"\2\x28\5\xb4", b"\3\3\xff", b"\1" * 40, stamp + stamp, b"\2\4\0\0", b"\x08\x0b", b"\x1e\5abc\0"]


def ip_options():
    return [b"", b"\1" * 40, b"\x07\x07\x04\0\0\0\0\0", b"\x07\x07\x09\0", b"\x83\x07\x04\0\0\0\0", b"\x89\x03\x04", b"\x83\0",
            b"\x44\x08\x05\0\0\0\0\0", b"\x94\x04\0\0", b"\x07\x29", b"\x07\1", b"\x88\x04\0\1"]


def command_lines():
    lines = ["", "ip=dhcp", "ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3", "ip=10.0.0.1/32", "ip=10.0.0.1/33", "ip=127.0.0.1/8",
             "neigh=10.0.2.2=52:55:0a:00:02:02", "neigh=10.0.2.2=ff:ff:ff:ff:ff:ff", "mtu=1500", "mtu=68", "mtu=67", "txqueuelen=1000",
             "tx_ring=256 rx_ring=4096", "tx_ring=7", "txirq=always", "txirq=auto", "csum=on", "csum=0", "loglevel=7", "loglevel=8",
             "rng.seed=18446744073709551615", "rng.seed=18446744073709551616", "stats=1", "fault=alloc,at=100,every=50", "fault=help",
             "fault=txstall,at=500,ms=3000", "net.ipv4.tcp_rmem='4096 131072 262144'", "net.ipv4.tcp_wmem=4096,16384,65536",
             "net.ipv4.tcp_syn_retries=5", "mtu", "mtuu=1", "-- tcp:10.0.2.2:5001", "-- 'a b' \"c d\" e\\ f '--'", "-- '", "\"--\" x",
             "ip=dhcp " * 16, "-- " + "a " * 64, "a" * 120]
    return [line.encode() for line in lines]


MAKERS = {"tcpopt": tcp_options, "ipopt": ip_options, "cmdline": command_lines}


def seeds(name):
    return MAKERS[name]() if name in MAKERS else []
