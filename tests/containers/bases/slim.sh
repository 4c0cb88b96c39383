#!/bin/sh
# Leaves out of a fresh Debian in the folder $1 what the official slim images leave out.
set -eu
cd "$1"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* usr/share/locale/* usr/share/man/* usr/share/info/* usr/share/lintian
find usr/share/doc -mindepth 1 -not -name copyright -not -type d -delete
find . -xdev -name __pycache__ -type d -prune -exec rm -rf {} +
# The official image calls it `python`, and has pip.
test ! -e usr/bin/python3 || ln -sfn python3 usr/bin/python
