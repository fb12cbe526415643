#!/bin/sh
# Refreshed by workstation; changes made here are lost.
exec "${SHELL:-/bin/sh}" -l
