# SPDX-License-Identifier: MIT
"""EVERY: all cases of the wire suite, in the order of the requirements' chapters."""
import cases_link
import cases_ip
import cases_udp
import cases_tcp
import cases_state
import cases_clients
import cases_options
from rig import EVERY

CHAPTERS = (cases_link, cases_ip, cases_udp, cases_tcp, cases_state, cases_options, cases_clients)
__all__ = ["CHAPTERS", "EVERY"]
