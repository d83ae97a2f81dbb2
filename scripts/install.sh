#!/bin/sh
# Installs what is missing to build and run aforo on Debian 12/13 and Ubuntu 24.04, and says what.
# Usage: scripts/install.sh            as root, or with sudo at hand
set -eu

if ! command -v apt-get >/dev/null 2>&1; then
  echo "aforo: this script knows apt only; docs/quickstart.md lists what to install by hand" >&2
  exit 6
fi

# Debian 12's default Boost (1.74) has no JSON; its 1.81 packages carry the version in their names.
boost="libboost-json-dev libboost-program-options-dev"
if grep -q '^VERSION_ID="12"' /etc/os-release; then
  boost="libboost-json1.81-dev libboost-program-options1.81-dev"
fi
wanted="g++ cmake ninja-build $boost libfmt-dev libyaml-cpp-dev doctest-dev libdnnl-dev node-chart.js fortunes"

missing=""
for package in $wanted; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "aforo: everything needed is installed"
  exit 0
fi

sudo=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "aforo: these packages are missing:$missing; install them as root, or install sudo" >&2
    exit 6
  fi
  sudo="sudo"
fi
echo "aforo: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086  # the list is meant to be split
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "aforo: installed$missing"
