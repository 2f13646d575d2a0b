#!/bin/sh
# SPDX-License-Identifier: MIT
# The launcher is a Python program: on a machine without Python this gets it, or says how.
set -e
line="apt-get update && apt-get install -y --no-install-recommends python3"
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1; then
	sudo=sudo
else
	echo "doorbell: python3 is missing. As root: $line" >&2
	exit 1
fi
echo "doorbell: installing python3"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends python3 >/dev/null; }; then
	echo "doorbell: python3 could not be installed. As root: $line" >&2
	exit 1
fi
