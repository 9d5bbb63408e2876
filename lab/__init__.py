"""The lab: real systemd hosts and real binaries on one machine.

`make demo`, Molecule, the drills and the benchmark all stand on it. It uses
the Python standard library only, since it runs before any virtual environment
exists. Every step is idempotent and cached: a second run costs seconds.
"""
