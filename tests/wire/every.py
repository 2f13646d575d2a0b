# SPDX-License-Identifier: MIT
"""EVERY: all cases of the wire suite, in the order of the requirements' chapters; the last one reads what the others heard."""
import cases_link
import cases_ip
import cases_udp
import cases_tcp
import cases_state
import cases_clients
import cases_options
import cases_recovery
import cases_calls
import cases_last
from rig import EVERY

CHAPTERS = (cases_link, cases_ip, cases_udp, cases_tcp, cases_state, cases_options, cases_recovery, cases_clients, cases_calls, cases_last)
__all__ = ["CHAPTERS", "EVERY"]
